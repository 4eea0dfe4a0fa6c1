/** Says at the end of a run how many tests went over each queue, so that a missing Redis is not taken for a passed one. */
import type { Reporter, TestModule } from 'vitest/node'
import { hasRedisServer } from './redis.ts'

const QUEUES = ['postgres', 'redis'] as const

export default class QueueReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...module.children.allTests()]
        .filter((test) => test.result().state === 'passed')
        .map((test) => test.fullName),
    )
    const counts = QUEUES.map((queue) => {
      const count = names.filter((name) => name.includes(`the ${queue} queue`)).length
      return `${count} on ${queue}`
    })
    const remark = hasRedisServer()
      ? ''
      : ' (redis-server is not on the PATH: nothing ran on Redis)'
    console.log(`queue tests passed: ${counts.join(', ')}${remark}`)
  }
}
