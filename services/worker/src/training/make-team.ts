import type { ResolvedConfig } from '@trainyard/contracts'
import type { Assignment, Team } from '@trainyard/engine'
import { threadsMax } from '@trainyard/model'
import { chooseThreads } from './choose-threads.ts'

/** The threads of one job: none but its own to begin with; others are asked for once they would be of use. null where it has to do alone. */
export function makeTeam(
  resolved: ResolvedConfig,
  cores: number,
  worker: {
    /** Threads that the job may use at the moment. */
    threads(): number
    askForHelp(threads: number, assignment: Assignment): void
  },
): Team | null {
  const size = Math.min(threadsMax(resolved), cores)
  if (size === 1) return null
  const allowed = () => Math.min(size, worker.threads())
  const choose = resolved.training.threads === 'auto' ? chooseThreads(allowed) : allowed
  let assignment: Assignment | null = null
  let asked = 1
  return {
    size,
    start(given) {
      assignment = given
    },
    threads(present) {
      const threads = choose(present)
      if (threads > asked && assignment !== null) {
        worker.askForHelp(threads - asked, assignment)
        asked = threads
      }
      return threads
    },
  }
}
