/** The three services of a stack: what each is told, and in which order they stop. */
import { join } from 'node:path'
import { isWithin } from './deadline.ts'
import { isPortFree } from './free-port.ts'
import type { Home } from './home.ts'
import { runService, SERVICES, type Service, type ServiceProcess } from './service-process.ts'
import type { Settings } from './settings.ts'
import { StartError } from './start-error.ts'

export interface Services {
  /** Worker and scheduler first, the API last: what they still write reaches those who watch. */
  stop(force: AbortSignal): Promise<void>
  /** Rejects when a service stays down; never resolves. */
  failure: Promise<never>
  /** Everything was up once: from now on whatever dies is started again, however often. */
  markUp(): void
}

/** With Postgres' 1.5 s and the API's head start this stays under the 5 s that one Ctrl-C may take. */
const DRAIN_SECONDS = 2
/** A service keeps its own deadline and reports what it cut off; this is for one that hangs. */
const KILL_AFTER_MS = 200
/** What worker and scheduler still write should reach those who watch; then the API goes too. */
const API_HEAD_START_MS = 1000
/** While it comes up, a service that dies this often will not come up. */
const FIRST_DEATHS_MAX = 5

export function runServices(options: {
  settings: Settings
  home: Home
  port: number
  databaseUrl: string
  pepper: string
  say: (line: string) => void
}): Services {
  const { settings, home, port } = options
  // A longer drain that somebody asks for is kept to; the services refuse what is no number.
  const drainSeconds = Number(settings.environment.TRAINYARD_DRAIN_SECONDS) || DRAIN_SECONDS
  let isUp = false
  const { promise: failure, reject: fail } = Promise.withResolvers<never>()
  // Reported to whoever waits; when nobody does any more, it is of no interest.
  failure.catch(() => undefined)

  const processes = Object.fromEntries(
    SERVICES.map((service) => [
      service,
      runService({
        service,
        environment: toEnvironment(service),
        logPath: logPath(service),
        say: options.say,
        whyNotAgain: (deaths) => whyNotAgain(service, deaths),
        onFailure: fail,
      }),
    ]),
  ) as Record<Service, ServiceProcess>
  return { stop, failure, markUp }

  function toEnvironment(service: Service): NodeJS.ProcessEnv {
    return {
      TRAINYARD_LOG_LEVEL: 'info',
      TRAINYARD_DRAIN_SECONDS: String(DRAIN_SECONDS),
      ...settings.environment,
      DATABASE_URL: options.databaseUrl,
      HOST: settings.host,
      PORT: String(port),
      TRAINYARD_KEY_PEPPER: options.pepper,
      TRAINYARD_HOME: home.path,
      TRAINYARD_SCRATCH_DIR: home.folder('scratch', service),
      TRAINYARD_WORKER_THREADS: String(settings.workerThreads),
    }
  }

  async function whyNotAgain(service: Service, deaths: number): Promise<StartError | null> {
    if (service === 'api' && !(await isPortFree(settings.host, port))) {
      return new StartError(`port ${port} was taken by another program`)
    }
    if (isUp || deaths < FIRST_DEATHS_MAX) return null
    return new StartError(`${service} does not stay up; its log is ${logPath(service)}`)
  }

  function logPath(service: Service): string {
    return join(home.folder('logs'), `${service}.log`)
  }

  function markUp(): void {
    isUp = true
  }

  async function stop(force: AbortSignal): Promise<void> {
    const { api, scheduler, worker } = processes
    const kill = () => Promise.all(Object.values(processes).map((process) => process.stop(0)))
    const killed = new Promise<void>((resolve) => {
      const onForce = () => void kill().then(() => resolve())
      if (force.aborted) onForce()
      else force.addEventListener('abort', onForce, { once: true })
    })
    const timeoutMs = drainSeconds * 1000 + KILL_AFTER_MS
    const writers = Promise.all([worker.stop(timeoutMs), scheduler.stop(timeoutMs)])
    const drained = isWithin(writers, API_HEAD_START_MS).then(() =>
      Promise.all([writers, api.stop(timeoutMs)]),
    )
    await Promise.race([drained, killed])
  }
}
