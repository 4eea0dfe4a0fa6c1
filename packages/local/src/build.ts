/** Makes what the sources need but git does not hold: the engine's kernels and the database client. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { CACHE_FOLDER, CHECKOUT } from './checkout.ts'
import { takeExclusiveLock } from './exclusive-lock.ts'
import { diskFull, isDiskFullText, StartError } from './start-error.ts'

const TURBO = `${CHECKOUT}node_modules/.bin/turbo`
const OTHER_BUILD_TIMEOUT_MS = 120_000
/** With nothing to do turbo takes 0.25 s: only what takes longer is worth a line. */
const QUIET_MS = 1000

/** Runs the packages' builds; those whose inputs have not changed come from turbo's cache. */
export async function build(say: (line: string) => void): Promise<void> {
  // Images hold what was built and no tools; their files cannot be written anyway.
  if (!existsSync(TURBO)) return
  mkdirSync(CACHE_FOLDER, { recursive: true })
  // Two stacks that start at once on one checkout would write the same files.
  const lock = takeExclusiveLock(`${CACHE_FOLDER}/build.lock`, OTHER_BUILD_TIMEOUT_MS)
  if (lock === null) throw new StartError('another build in this checkout does not end')
  const notice = setTimeout(() => say('building the kernels and the database client'), QUIET_MS)
  try {
    await runTurbo()
  } finally {
    clearTimeout(notice)
    lock.release()
  }
}

function runTurbo(): Promise<void> {
  const child = spawn(TURBO, ['run', 'build', '--output-logs=errors-only'], {
    cwd: CHECKOUT,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', FORCE_COLOR: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new StartError(`turbo does not run: ${error.message}`)))
    child.on('close', (code) => {
      if (code === 0) resolve()
      else if (isDiskFullText(output)) reject(diskFull(' (build)'))
      else reject(new StartError(`the build failed:\n${output.trim()}`))
    })
  })
}
