import { expect, it } from 'vitest'
import { createSolitude } from './solitude.ts'

it('lets one in alone when all others have made way, and those that come meanwhile only after it', async () => {
  const order: string[] = []
  const first = Promise.withResolvers<void>()
  const suspect = Promise.withResolvers<void>()
  const solitude = createSolitude(() => order.push('make way'))

  const beside = solitude.beside(async () => {
    await first.promise
    order.push('first ended')
  })
  const alone = solitude.alone(async () => {
    order.push('alone')
    await suspect.promise
    order.push('suspect ended')
  })
  const late = solitude.beside(async () => void order.push('late'))
  await Promise.resolve()
  const wanted = solitude.isWanted()
  first.resolve()
  await beside
  suspect.resolve()
  await Promise.all([alone, late])

  expect(wanted).toBe(true)
  expect(order).toEqual(['make way', 'first ended', 'alone', 'suspect ended', 'late'])
  expect(solitude.isWanted()).toBe(false)
})

it('lets others in beside one that is acquitted, and the next suspect waits for its end too', async () => {
  const order: string[] = []
  const acquitted = Promise.withResolvers<void>()
  const solitude = createSolitude(() => undefined)

  const first = solitude.alone(async (acquit) => {
    acquit()
    await acquitted.promise
    order.push('acquitted ended')
  })
  await solitude.beside(async () => void order.push('beside'))
  const second = solitude.alone(async () => void order.push('second alone'))
  acquitted.resolve()
  await Promise.all([first, second])

  expect(order).toEqual(['beside', 'acquitted ended', 'second alone'])
})

it('is over when the one alone fails', async () => {
  const solitude = createSolitude(() => undefined)

  await expect(solitude.alone(() => Promise.reject(new Error('no')))).rejects.toThrow('no')

  expect(await solitude.beside(async () => 'in')).toBe('in')
})
