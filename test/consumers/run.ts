/**
 * Exports read by the programs they are for, a thousand records each, against what the server answers.
 * Usage: npm run test:consumers (installs them the first time; Python's torch, numpy and onnx from the system)
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cloneDatabase } from '../support/database.ts'
import { startStack } from '../support/stack.ts'
import { startTestPostgres } from '../support/test-postgres.ts'
import { type Case, KINDS, makeCase } from './cases.ts'
import { type Answers, compare } from './compare.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const PYTHON = '/usr/bin/python3'
const OUTPUT_BYTES_MAX = 256 * 1024 ** 2

interface Consumer {
  name: string
  command: (folder: string) => string[]
  /** Python modules of the system that it needs. */
  needs?: string
}

const node = (script: string, ...args: string[]) => [process.execPath, script, ...args]
const python = (...args: string[]) => [PYTHON, ...args]
const runtime = (name: string): Consumer => ({
  name,
  command: (folder) => node('onnx-runtime.mjs', name, folder),
})
const CONSUMERS: Consumer[] = [
  { name: 'onnx.checker', command: (folder) => python('onnx_checker.py', folder), needs: 'onnx' },
  runtime('onnxruntime-node'),
  runtime('onnxruntime-web'),
  { name: '@tensorflow/tfjs', command: (folder) => node('tfjs.mjs', folder) },
  { name: 'node', command: (folder) => node('module.mjs', folder) },
  { name: 'verify.mjs', command: (folder) => node('verify.mjs', folder) },
  {
    name: 'PyTorch',
    command: (folder) => python('python_arrays.py', 'torch', folder),
    needs: 'torch',
  },
  {
    name: 'NumPy',
    command: (folder) => python('python_arrays.py', 'numpy', folder),
    needs: 'numpy',
  },
]

if (!existsSync(join(HERE, 'node_modules'))) {
  // Without its scripts: one of them would download what the package holds already.
  execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: HERE, stdio: 'inherit' })
}
const root = await mkdtemp(join(tmpdir(), 'trainyard-consumers-'))
const postgres = await startTestPostgres()
const cases: Case[] = []
try {
  const stack = await startStack({
    queue: 'postgres',
    database: await cloneDatabase(postgres.url),
  })
  try {
    for (const kind of KINDS) cases.push(await makeCase(stack, kind, root))
  } finally {
    await stack.stop()
  }
} finally {
  await postgres.stop()
}

let failures = 0
console.log('| model | consumer | file | largest relative error | labels |\n|---|---|---|---|---|')
for (const consumer of CONSUMERS) {
  if (consumer.needs !== undefined && !hasModule(consumer.needs)) {
    console.log(`| all | ${consumer.name} | skipped: ${PYTHON} has no ${consumer.needs} | | |`)
    continue
  }
  for (const given of cases) {
    for (const line of judge(consumer, given)) console.log(`| ${line.join(' | ')} |`)
  }
}
await rm(root, { recursive: true })
console.log(failures === 0 ? 'all equal' : `${failures} differ`)
process.exit(failures === 0 ? 0 : 1)

function judge({ name, command }: Consumer, given: Case): string[][] {
  const [program = '', ...args] = command(given.folder)
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: HERE,
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
  })
  if (status !== 0) {
    failures += 1
    return [
      [given.name, name, `**failed**: ${stderr.trim().split('\n').slice(-8).join(' ')}`, '', ''],
    ]
  }
  const answers: Record<string, Answers | null> = JSON.parse(
    stdout.slice(stdout.lastIndexOf('\n{') + 1),
  )
  // One that judges by itself has nothing to compare.
  if (Object.keys(answers).length === 0) return [[given.name, name, 'accepted', '', '']]
  return Object.entries(answers).map(([file, answer]) => {
    if (answer === null) return [given.name, name, 'the format has no words for it', '', '']
    const { error, labels, isEqual } = compare(answer, given)
    if (!isEqual) failures += 1
    const mark = isEqual ? '' : '**'
    return [given.name, name, file, `${mark}${error.toExponential(1)}${mark}`, labels]
  })
}

function hasModule(name: string): boolean {
  return spawnSync(PYTHON, ['-c', `import ${name}`]).status === 0
}
