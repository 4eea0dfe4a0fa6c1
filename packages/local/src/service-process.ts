/** One service as a child process that is started again whenever it dies. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, readFileSync } from 'node:fs'
import { CHECKOUT } from './checkout.ts'
import { isWithin } from './deadline.ts'
import { openLogFile } from './log-file.ts'
import { StartError } from './start-error.ts'

export const SERVICES = ['api', 'scheduler', 'worker'] as const
export type Service = (typeof SERVICES)[number]

export interface ServiceProcess {
  /** Asks it to drain; after `timeoutMs`, and at once with 0, it is killed. */
  stop(timeoutMs: number): Promise<void>
}

export interface ServiceOptions {
  service: Service
  environment: NodeJS.ProcessEnv
  logPath: string
  say: (line: string) => void
  /** Asked before it is started again, with how often in a row it has died young: a line when that cannot help. */
  whyNotAgain: (deaths: number) => Promise<StartError | null>
  /** It stays down, and with it the stack. */
  onFailure: (error: StartError) => void
}

const RESTART_DELAY_MS = 200
const RESTART_DELAY_MAX_MS = 5000
/** Having lived this long it is taken for well, and the next death is the first again. */
const WELL_AFTER_MS = 10_000
/** `EX_CONFIG` of sysexits.h: the service cannot work in this environment, however often it is started. */
const EXIT_CONFIGURATION = 78
const COMPLAINT_LENGTH_MAX = 500

export function serviceScript(service: Service): string {
  return `${CHECKOUT}services/${service}/src/main.ts`
}

export function runService(options: ServiceOptions): ServiceProcess {
  const { service, logPath, say } = options
  let child: ChildProcess
  let deaths = 0
  let pendingRestart: NodeJS.Timeout | undefined
  let logStart = 0
  let isStopping = false
  let exited: Promise<void>
  start()
  return { stop }

  function start(): void {
    const log = openLogFile(logPath)
    logStart = fstatSync(log).size
    const startedAt = performance.now()
    child = spawn(process.execPath, [serviceScript(service)], {
      cwd: CHECKOUT,
      env: { ...options.environment, TRAINYARD_SUPERVISED: '1' },
      // The channel carries nothing: the service sees it close when this process is killed, and drains.
      stdio: ['ignore', log, log, 'ipc'],
      // Its own session: a Ctrl-C reaches this process alone, which stops its children in the right order.
      detached: true,
    })
    closeSync(log)
    exited = new Promise((resolve) => {
      child.once('error', (error) => {
        resolve()
        options.onFailure(new StartError(`${service} cannot be started: ${error.message}`))
      })
      child.once('exit', (code, signal) => {
        resolve()
        if (isStopping) return
        if (performance.now() - startedAt >= WELL_AFTER_MS) deaths = 0
        void onDeath(code, signal)
      })
    })
  }

  async function onDeath(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (code === EXIT_CONFIGURATION) {
      options.onFailure(
        new StartError(`${service} refused its configuration: ${readComplaint(logPath, logStart)}`),
      )
      return
    }
    deaths += 1
    const hopeless = await options.whyNotAgain(deaths)
    if (isStopping) return
    if (hopeless !== null) {
      options.onFailure(hopeless)
      return
    }
    const how = signal === null ? `exit code ${code}` : signal
    say(`${service} stopped (${how}) and is started again; its log is ${logPath}`)
    const delayMs = RESTART_DELAY_MS * 2 ** (deaths - 1)
    pendingRestart = setTimeout(start, Math.min(delayMs, RESTART_DELAY_MAX_MS))
  }

  async function stop(timeoutMs: number): Promise<void> {
    isStopping = true
    clearTimeout(pendingRestart)
    if (timeoutMs > 0) {
      child.kill('SIGTERM')
      if (await isWithin(exited, timeoutMs)) return
      say(`${service} did not stop in time and was killed; its log is ${logPath}`)
    }
    child.kill('SIGKILL')
    await exited
  }
}

/** What a service wrote before it gave up, on one line. */
function readComplaint(logPath: string, logStart: number): string {
  const text = readFileSync(logPath).subarray(logStart).toString()
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, COMPLAINT_LENGTH_MAX)
}
