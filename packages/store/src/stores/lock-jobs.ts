import { Prisma } from '../generated/client.ts'

/**
 * SQL of the jobs that `where` names, locked in one order. Whoever changes many at a time takes them so: two who took them in
 * orders of their own would wait for each other, until Postgres gives one of them up.
 */
export function lockJobs(where: Prisma.Sql, columns = Prisma.sql`id`): Prisma.Sql {
  return Prisma.sql`SELECT ${columns} FROM jobs WHERE ${where} ORDER BY id FOR UPDATE`
}
