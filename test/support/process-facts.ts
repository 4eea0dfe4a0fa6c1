/** What Linux says of a service's process, and what lies in its scratch folder. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Memory in use now (VmRSS), or at the most so far (VmHWM). */
export async function memoryBytes(pid: number, what: 'VmRSS' | 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024
}

/** Processor time since its start, in seconds, of all its threads. */
export async function processorSeconds(pid: number): Promise<number> {
  const fields = await statFields(pid)
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Of all processes of the server that the backend belongs to, those that have ended included. */
export async function serverProcessorSeconds(backendPid: number): Promise<number> {
  const server = Number((await statFields(backendPid))[1])
  const ended = (await statFields(server)).slice(13, 15)
  const children = await readFile(`/proc/${server}/task/${server}/children`, 'utf8')
  const pids = [server, ...children.trim().split(' ').map(Number)]
  const seconds = await Promise.all(pids.map((pid) => processorSeconds(pid)))
  return [...ended.map((ticks) => Number(ticks) / 100), ...seconds].reduce((a, b) => a + b, 0)
}

/** From the third on: the second, a name, may hold anything. */
async function statFields(pid: number): Promise<string[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
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
