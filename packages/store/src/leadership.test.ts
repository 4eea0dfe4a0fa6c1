import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { openLeadership } from './leadership.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(() => database.drop())

it('has one leader among three, also when each asks from several loops at once', async () => {
  const members = [1, 2, 3].map(() => openLeadership(database.url))

  const answers = await Promise.all(
    members.map((member) => Promise.all([member.isLeader(), member.isLeader(), member.isLeader()])),
  )

  expect(answers.filter((loops) => loops.every(Boolean))).toHaveLength(1)
  expect(answers.filter((loops) => loops.every((leads) => !leads))).toHaveLength(2)
  await Promise.all(members.map((member) => member.close()))
})

it('passes to another when the leader goes', async () => {
  const first = openLeadership(database.url)
  const second = openLeadership(database.url)
  const before = [await first.isLeader(), await second.isLeader()]

  await first.close()

  expect(before).toEqual([true, false])
  expect(await second.isLeader()).toBe(true)
  await second.close()
})
