import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Turns this process into another program, which then gets the signals itself. Where the system cannot do that, it runs
 * as a child and this process passes on its exit code.
 */
export async function become(args: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  if (process.execve !== undefined && process.platform !== 'win32') {
    process.execve(process.execPath, [process.execPath, ...args], toStrings(environment))
  }
  const child = spawn(process.execPath, args, { stdio: 'inherit', env: environment })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal))
  }
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

function toStrings(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )
}
