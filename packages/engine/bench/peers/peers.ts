/** Who is timed on what. Slow libraries train fewer rows and are scaled up; what a library cannot do is left out. */
export interface Run {
  /** Timed ones; the script's own default without. */
  epochs?: number
  samples?: number
}

export interface Peer {
  name: string
  script: string
  flags?: string[]
  language: 'javascript' | 'python'
  /** A package in node_modules, or Python that must run; nothing for our own. */
  needs?: string
  /** By workload. */
  runs: Record<string, Run>
}

/** Short epochs: enough of them for the compilers of V8 to have done their work. */
const TINY: Record<string, Run> = { W1: { epochs: 30 }, W2: { epochs: 20 }, W3: { epochs: 30 } }
const SMALL: Record<string, Run> = { ...TINY, W4: { epochs: 10 } }
const LARGE: Record<string, Run> = { W5: { epochs: 2 }, W6: { epochs: 1 } }

const torch = { script: 'peer_torch.py', language: 'python' } as const
const tfjs = {
  script: 'peer-tfjs.mjs',
  language: 'javascript',
  needs: '@tensorflow/tfjs-backend-wasm',
} as const

export const PEERS: Peer[] = [
  {
    name: 'trainyard',
    script: 'peer-trainyard.ts',
    language: 'javascript',
    runs: {
      W1: { epochs: 2000 },
      W2: { epochs: 1000 },
      W3: { epochs: 2000 },
      W4: { epochs: 50 },
      ...LARGE,
      W7: { epochs: 2 },
      infer: {},
    },
  },
  {
    ...torch,
    name: 'torch',
    needs: 'import torch',
    runs: { ...SMALL, ...LARGE, W7: { epochs: 2 }, infer: {} },
  },
  {
    ...torch,
    name: 'torch, fused Adam',
    flags: ['--variant', 'fused'],
    needs: 'import torch; assert int(torch.__version__.split(".")[0]) >= 2',
    runs: {
      W2: { epochs: 20 },
      W3: { epochs: 30 },
      W4: { epochs: 10 },
      W5: { epochs: 2 },
      W7: { epochs: 2 },
    },
  },
  {
    name: 'sklearn',
    script: 'peer_sklearn.py',
    language: 'python',
    needs: 'import sklearn',
    runs: { ...SMALL, ...LARGE },
  },
  {
    ...tfjs,
    name: 'tfjs-wasm',
    flags: ['--backend', 'wasm'],
    runs: {
      ...SMALL,
      W5: { epochs: 1, samples: 1280 },
      W6: { epochs: 1, samples: 256 },
      W7: { epochs: 1, samples: 640 },
      infer: {},
    },
  },
  {
    ...tfjs,
    name: 'tfjs-cpu',
    flags: ['--backend', 'cpu'],
    runs: {
      ...TINY,
      W4: { epochs: 3 },
      W5: { epochs: 1, samples: 256 },
      W6: { epochs: 1, samples: 256 },
      W7: { epochs: 1, samples: 256 },
    },
  },
  {
    name: 'jax-js',
    script: 'peer-jax-js.mjs',
    language: 'javascript',
    needs: '@jax-js/jax',
    runs: { ...SMALL, W5: { epochs: 1, samples: 6000 }, W6: { epochs: 1, samples: 1024 } },
  },
  {
    name: 'brain.js 2',
    script: 'peer-brain.mjs',
    language: 'javascript',
    needs: 'brain.js',
    runs: {
      ...TINY,
      W4: { epochs: 3 },
      W5: { epochs: 1, samples: 320 },
      W6: { epochs: 1, samples: 64 },
    },
  },
  {
    name: 'brain.js 1',
    script: 'peer-brain.mjs',
    flags: ['--backend', '1'],
    language: 'javascript',
    needs: 'brain.js-1',
    runs: {
      ...TINY,
      W4: { epochs: 3 },
      W5: { epochs: 1, samples: 320 },
      W6: { epochs: 1, samples: 64 },
    },
  },
  {
    name: 'convnetjs',
    script: 'peer-convnetjs.mjs',
    language: 'javascript',
    needs: 'convnetjs',
    runs: {
      ...TINY,
      W4: { epochs: 3 },
      W5: { epochs: 1, samples: 640 },
      W6: { epochs: 1, samples: 256 },
    },
  },
  {
    name: 'synaptic',
    script: 'peer-synaptic.mjs',
    language: 'javascript',
    needs: 'synaptic',
    runs: { ...TINY, W4: { epochs: 2, samples: 320 } },
  },
  {
    name: 'js-pytorch',
    script: 'peer-js-pytorch.mjs',
    language: 'javascript',
    needs: 'js-pytorch',
    runs: {
      W3: { epochs: 10 },
      W4: { epochs: 2, samples: 640 },
      W5: { epochs: 1, samples: 256 },
    },
  },
  {
    name: 'onnxruntime',
    script: 'peer-onnxruntime.mjs',
    language: 'javascript',
    needs: 'onnxruntime-node',
    runs: { infer: {} },
  },
]

/** W8, on two cores. */
export const SWEEPS: Peer[] = [
  {
    name: 'trainyard',
    script: 'sweep-trainyard.ts',
    language: 'javascript',
    runs: { W8: {} },
  },
  {
    name: 'sklearn',
    script: 'sweep_sklearn.py',
    language: 'python',
    needs: 'import sklearn',
    runs: { W8: {} },
  },
  {
    name: 'torch',
    script: 'sweep_torch.py',
    language: 'python',
    needs: 'import torch',
    runs: { W8: {} },
  },
  ...(['sklearn', 'torch'] as const).map(
    (model): Peer => ({
      name: `optuna with ${model}`,
      script: 'sweep_optuna.py',
      flags: ['--model', model],
      language: 'python',
      needs: `import optuna, ${model}`,
      runs: { W8: {} },
    }),
  ),
]
