/** Makes the data folder of an embedded Postgres, whole or not at all: `initdb` killed half-way is begun again. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Home, writeWhole } from '../home.ts'
import { diskFull, isDiskFullText, StartError } from '../start-error.ts'
import type { PostgresUser } from './run-as.ts'

export interface PostgresAccess {
  port: number
  password: string
}

export const DATABASE_USER = 'trainyard'
const ACCESS_FILE = 'postgres.json'
const MAJOR_VERSION = '18'
const PASSWORD_BYTES = 24

/** Port and password as they were at the last start; throws a line for people when the data cannot be opened. */
export async function initialisePostgres(
  home: Home,
  dataFolder: string,
  initdb: string,
  user: PostgresUser,
): Promise<PostgresAccess> {
  if (existsSync(join(dataFolder, 'PG_VERSION'))) {
    const version = readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8').trim()
    if (version !== MAJOR_VERSION) {
      throw new StartError(
        `${dataFolder} holds data of Postgres ${version}, and this version brings ${MAJOR_VERSION}: ` +
          'choose another folder with TRAINYARD_HOME',
      )
    }
    return readPostgresAccess(home.path)
  }
  const access = { port: 0, password: randomBytes(PASSWORD_BYTES).toString('base64url') }
  writePostgresAccess(home, access)
  await runInitdb(home, dataFolder, initdb, user, access.password)
  return access
}

export function readPostgresAccess(home: string): PostgresAccess {
  const file = join(home, ACCESS_FILE)
  try {
    const { port, password } = JSON.parse(readFileSync(file, 'utf8')) as PostgresAccess
    if (Number.isInteger(port) && typeof password === 'string') return { port, password }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw error
  }
  throw new StartError(`${file} is missing or damaged, and with it the password of the database`)
}

export function writePostgresAccess(home: Home, access: PostgresAccess): void {
  writeWhole(home.file(ACCESS_FILE), `${JSON.stringify(access)}\n`)
}

export function toConnectionString({ port, password }: PostgresAccess): string {
  return `postgresql://${DATABASE_USER}:${password}@127.0.0.1:${port}/postgres`
}

async function runInitdb(
  home: Home,
  dataFolder: string,
  initdb: string,
  user: PostgresUser,
  password: string,
): Promise<void> {
  const unfinished = `${dataFolder}.new`
  const passwordFile = home.file('initdb-password')
  rmSync(unfinished, { recursive: true, force: true })
  rmSync(passwordFile, { force: true })
  try {
    mkdirSync(unfinished, { mode: 0o700 })
    user.own(unfinished)
    writeFileSync(passwordFile, password, { mode: 0o600 })
    user.own(passwordFile)
    await run(user, initdb, [
      ...['-D', unfinished, '--username', DATABASE_USER, '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-instructions'],
      // Compares by code points on every machine, whatever locales it has.
      ...['--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ])
    renameSync(unfinished, dataFolder)
  } catch (error) {
    // A half-made folder is 40 MB on a disk that may just have run full.
    rmSync(unfinished, { recursive: true, force: true })
    throw error
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function run(user: PostgresUser, program: string, programArgs: string[]): Promise<void> {
  const { file, args, options } = user.command(program, programArgs)
  const child = spawn(file, args, {
    ...options,
    cwd: '/',
    // Its own session: Ctrl-C must not cut it off, the start waits for it and stops then.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else if (isDiskFullText(complaints)) reject(diskFull(' (initdb)'))
      else reject(new StartError(`the database could not be made: ${firstComplaint(complaints)}`))
    })
  })
}

function firstComplaint(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.find((line) => /error|fatal/i.test(line)) ?? lines[0] ?? 'initdb gave no reason'
}
