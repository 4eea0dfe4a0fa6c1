/** The clock of the day jumps under each service in turn. */
import type { Fault } from '../fault.ts'
import { readJob, startJob } from '../rig/load.ts'

const CLOCK = new URL('../rig/jumping-clock.ts', import.meta.url)
const JUMPS_SECONDS = [3600, -3600, -60]

export const f40: Fault = {
  id: 'F40',
  title: 'the clock jumps by an hour and by a minute under worker, API and scheduler',
  kinds: ['tiny', 'adam_dropout'],
  async run(rig, findings) {
    for (const service of ['worker', 'api', 'scheduler'] as const) {
      for (const seconds of JUMPS_SECONDS) {
        const process_ = await rig.replace(service, {
          NODE_OPTIONS: `--import ${CLOCK.href}?seconds=${seconds}`,
        })
        const jobId = await startJob(rig, 'adam_dropout')
        process.kill(process_.pid, 'SIGUSR2')
        for (let i = 0; i < 5; i++) await rig.submitUntilAccepted('tiny')
        await rig.settle()
        findings.equal(
          `attempts after ${seconds} s in the ${service}`,
          (await readJob(rig, jobId)).attempt,
          1,
        )
      }
      await rig.replace(service)
    }
  },
}
