import { expect, it } from 'vitest'
import { shareQuestions } from './share-questions.ts'

/** Answers are given by hand, in the order of their questions. */
function openQuestions() {
  const asked: PromiseWithResolvers<number>[] = []
  const ask = shareQuestions(
    (key: string) => key,
    () => {
      const answer = Promise.withResolvers<number>()
      asked.push(answer)
      return answer.promise
    },
  )
  return { asked, ask }
}

it('a question on its way is not joined, since its answer may be older; all that come meanwhile share the next', async () => {
  const { asked, ask } = openQuestions()

  const first = ask('a')
  const others = [ask('a'), ask('a'), ask('a')]
  const askedAtOnce = asked.length
  asked[0]?.resolve(1)
  await first
  asked[1]?.resolve(2)

  expect(askedAtOnce).toBe(1)
  expect(await Promise.all([first, ...others])).toEqual([1, 2, 2, 2])
  expect(asked).toHaveLength(2)
})

it('asks anew once all is answered, and of another key at once', async () => {
  const { asked, ask } = openQuestions()

  const first = ask('a')
  const other = ask('b')
  asked[0]?.resolve(1)
  asked[1]?.resolve(2)
  await Promise.all([first, other])
  const again = ask('a')
  asked[2]?.resolve(3)

  expect(await again).toBe(3)
})

it('a question that fails fails those who asked it, and nobody else', async () => {
  const { asked, ask } = openQuestions()

  const first = ask('a')
  const second = ask('a')
  asked[0]?.reject(new Error('away'))
  await expect(first).rejects.toThrow('away')
  asked[1]?.resolve(2)

  expect(await second).toBe(2)
})
