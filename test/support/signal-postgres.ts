import { execFileSync } from 'node:child_process'
import { readPostmaster } from '../../packages/local/src/postgres/postmaster-pid.ts'

/** To every process of the server on this folder, as SIGSTOP freezes it. */
export function signalPostgres(dataFolder: string, signal: NodeJS.Signals): void {
  const postmaster = readPostmaster(dataFolder)
  if (postmaster === null) throw new Error('Postgres does not run')
  for (const pid of [postmaster.pid, ...childrenOf(postmaster.pid)]) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      // A session may end between the list and the signal.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

function childrenOf(pid: number): number[] {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return children
    .split('\n')
    .map(Number)
    .filter((child) => child > 0)
}
