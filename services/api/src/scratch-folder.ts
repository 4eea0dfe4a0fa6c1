/** A folder of this process alone inside the one it was given. What a killed process left behind goes at the next start. */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const NAME = /^api-(\d+)$/

export async function openScratchFolder(
  parent: string,
): Promise<{ path: string; close: () => Promise<void> }> {
  await mkdir(parent, { recursive: true })
  for (const name of await readdir(parent)) {
    const pid = Number(NAME.exec(name)?.[1])
    if (Number.isNaN(pid) || (pid !== process.pid && isAlive(pid))) continue
    await rm(join(parent, name), { recursive: true, force: true })
  }
  const path = join(parent, `api-${process.pid}`)
  await mkdir(path, { recursive: true })
  return { path, close: () => rm(path, { recursive: true, force: true }) }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}
