import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { armFailpoints } from './failpoints.ts'
import { EnvError } from './parse-env.ts'

const MODULE = fileURLToPath(new URL('failpoints.ts', import.meta.url))
const THREE_CLAIMS = `
  import { armFailpoints, failpoint } from ${JSON.stringify(MODULE)}
  armFailpoints(process.env)
  for (let i = 1; i <= 3; i++) { failpoint('worker.claimed'); process.stdout.write(String(i)) }`

it('ends the process at the armed place, the given time it is reached', async () => {
  const ended = await run('dispatch.marked=kill;worker.claimed=kill@3')

  expect(ended).toEqual({ signal: 'SIGKILL', output: '12' })
})

it('does nothing at a place that is not armed', async () => {
  expect(await run('dispatch.marked=kill')).toEqual({ signal: null, output: '123' })
  expect(await run('')).toEqual({ signal: null, output: '123' })
})

it.each(['worker.claimed', 'worker.claimed=kill@0', 'worker.napping=kill', 'worker.claimed=kill;'])(
  'refuses %s',
  (text) => {
    expect(() => armFailpoints({ TRAINYARD_FAILPOINTS: text })).toThrow(EnvError)
  },
)

it('refuses to be armed in production', () => {
  const environment = { TRAINYARD_FAILPOINTS: 'worker.claimed=kill', NODE_ENV: 'production' }

  expect(() => armFailpoints(environment)).toThrow(EnvError)
})

async function run(failpoints: string): Promise<{ signal: string | null; output: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', THREE_CLAIMS], {
    env: { PATH: process.env.PATH, TRAINYARD_FAILPOINTS: failpoints },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (text: Buffer) => {
    output += text
  })
  const [, signal] = await once(child, 'close')
  return { signal, output }
}
