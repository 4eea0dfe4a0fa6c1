/** What Linux says of a service's process, and what lies in its scratch folder. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Memory in use now (VmRSS), or at the most so far (VmHWM). */
export async function memoryBytes(pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
}

/** Files of all depths below the scratch folder of the process, as its environment names it. */
export async function scratchFiles(pid: number): Promise<string[]> {
  const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0')
  const folder = environment
    .find((line) => line.startsWith('TRAINYARD_SCRATCH_DIR='))
    ?.replace(/^[^=]*=/, '')
  const entries = await readdir(folder ?? '', { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
