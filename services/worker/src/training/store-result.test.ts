import { createId } from '@trainyard/contracts'
import { DomainError } from '@trainyard/domain'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { untilStored } from './store-result.ts'

const log = pino({ level: 'silent' })
const job = createId('job')

it('leaves a try alone that hangs when nobody wants any more what it stores', async () => {
  let isCancelled = false
  const tries: boolean[] = []

  const outcome = await untilStored({ log, job, isForsaken: () => isCancelled }, async () => {
    tries.push(isCancelled)
    if (isCancelled) return 'without weights'
    isCancelled = true
    return await new Promise<never>(() => undefined)
  })

  expect([outcome, tries]).toEqual(['without weights', [false, true]])
})

it('does not mind that a try which was left alone fails later', async () => {
  let isCancelled = false
  const hanging = Promise.withResolvers<never>()

  await untilStored({ log, job, isForsaken: () => isCancelled }, async () => {
    if (isCancelled) return
    isCancelled = true
    await hanging.promise
  })
  hanging.reject(new DomainError('unavailable'))

  // An error that nobody hears would end the process, and this test with it.
  await new Promise((resolve) => setImmediate(resolve))
})
