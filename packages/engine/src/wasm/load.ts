import { EngineError } from '../errors.ts'
import { openArena } from './arena.ts'
import { instantiateKernels } from './kernels.ts'
import { PAGE_BYTES } from './memory-map.ts'

/** `fused` rounds a multiply-add once, `unfused` twice; their results differ in the last bits. */
export type KernelBuild = 'fused' | 'unfused'

export interface CompiledKernels {
  /** May be posted to a thread. */
  module: WebAssembly.Module
  fused: boolean
}

/** Written out one by one, which is the form in which bundlers find files. */
const KERNEL_FILES: Record<KernelBuild, URL> = {
  fused: new URL('../../build/fused.wasm', import.meta.url),
  unfused: new URL('../../build/unfused.wasm', import.meta.url),
}

let compiled: Promise<CompiledKernels> | null = null

/**
 * The kernels for this machine, compiled once per process: with fused multiply-add where the runtime
 * and the processor have it, with separate multiplication and addition otherwise.
 */
export function compileKernels(): Promise<CompiledKernels> {
  compiled ??= chooseBuild()
  return compiled
}

/** One build by name. The fused one does not compile where relaxed SIMD is missing. */
export async function compileBuild(build: KernelBuild): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await readKernels(build))
}

async function chooseBuild(): Promise<CompiledKernels> {
  const bytes = await readKernels('fused')
  if (WebAssembly.validate(bytes)) {
    const module = await WebAssembly.compile(bytes)
    if (roundsOnce(module)) return { module, fused: true }
  }
  return { module: await compileBuild('unfused'), fused: false }
}

/** A relaxed multiply-add may still round twice: the processor decides, so one is tried. */
function roundsOnce(module: WebAssembly.Module): boolean {
  const arena = openArena(PAGE_BYTES)
  try {
    return instantiateKernels(module, arena.memory, null).roundsOnce() === 1
  } finally {
    arena.release()
  }
}

/** The files lie beside the module, wherever that came from: a disk under Node, a server in a browser. */
async function readKernels(build: KernelBuild): Promise<Uint8Array<ArrayBuffer>> {
  const file = KERNEL_FILES[build]
  try {
    return file.protocol === 'file:' ? await readFromDisk(file) : await download(file)
  } catch (cause) {
    const message = `${file.href} cannot be read: run \`npm run build\` in the engine package`
    throw new EngineError('kernels_missing', message, { cause })
  }
}

async function readFromDisk(file: URL): Promise<Uint8Array<ArrayBuffer>> {
  // Not by an import, which a browser would have to resolve though it never comes here.
  const { readFile } = process.getBuiltinModule('node:fs/promises')
  return new Uint8Array(await readFile(file))
}

async function download(file: URL): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(file)
  if (!response.ok) throw new Error(`the server answered ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}
