/** `postmaster.pid`, which a Postgres keeps in its data folder while it runs, and leaves there when it is killed. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Postmaster {
  pid: number
  port: number
  isReady: boolean
}

/** Line numbers from 0, as in `pidfile.h`. */
const LINES = { pid: 0, port: 3, status: 7 }

/** What the file says, or null when there is none or it is not written to its end. */
export function readPostmaster(dataFolder: string): Postmaster | null {
  let lines: string[]
  try {
    lines = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const pid = Number(lines[LINES.pid])
  if (!Number.isInteger(pid) || pid <= 1) return null
  return {
    pid,
    port: Number(lines[LINES.port] ?? 0),
    isReady: lines[LINES.status]?.trim() === 'ready',
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: there is one, of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether the pid is a Postgres started on `dataFolder`, not some program that got the number later. */
export function isPostmasterOf(pid: number, dataFolder: string): boolean {
  return isAlive(pid) && commandLine(pid).includes(dataFolder)
}

/** Empty for a process that is gone, or dead and not collected yet. Readable across users, unlike the rest of /proc. */
function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return ''
  }
}
