/**
 * Postgres refuses to run as root. Started by root, its programs run as another user, who must be able to reach them and
 * their data; where a folder above is closed to everybody else (a clone under /root), they get the one
 * capability that looks past permissions, and nothing else of root.
 */
import { spawnSync } from 'node:child_process'
import { chownSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { StartError } from '../start-error.ts'

export interface PostgresUser {
  /** What to start so that `program` runs as this user. */
  command(program: string, args: string[]): { file: string; args: string[]; options: Ids }
  /** Gives a file or folder to this user. */
  own(path: string): void
}

interface Ids {
  uid?: number
  gid?: number
}

const CAPABILITIES = '+dac_override'
const EXECUTE_BY_ALL = 0o001
const READ_BY_ALL = 0o004

/** The user to run `program` as, on `dataFolder` in `home`: the owner of the data when there is any. */
export function choosePostgresUser(
  program: string,
  home: string,
  dataFolder: string,
): PostgresUser {
  if (process.getuid?.() !== 0) {
    return {
      command: (file, args) => ({ file, args, options: {} }),
      own: () => undefined,
    }
  }
  const { uid, gid } = readOwner(dataFolder) ??
    readUser('postgres') ??
    readUser('nobody') ?? { uid: 65_534, gid: 65_534 }
  const own = (path: string) => chownSync(path, uid, gid)
  if (isOpenToAll(program, EXECUTE_BY_ALL | READ_BY_ALL) && isOpenToAll(home, EXECUTE_BY_ALL)) {
    return { command: (file, args) => ({ file, args, options: { uid, gid } }), own }
  }
  const prefix = [
    ...[`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'],
    ...[`--inh-caps=${CAPABILITIES}`, `--ambient-caps=${CAPABILITIES}`],
    // Without it access(2), by which Postgres looks for its own programs, asks as if there were no capabilities.
    '--securebits=+no_setuid_fixup',
  ]
  const command = (file: string, args: string[]) => ({
    file: 'setpriv',
    args: [...prefix, file, ...args],
    options: {},
  })
  const trial = command(program, ['--version'])
  if (spawnSync(trial.file, trial.args, { stdio: 'ignore' }).status === 0) return { command, own }
  throw new StartError(
    `Postgres cannot run as root, and no other user may enter ${firstClosedFolder(program) ?? firstClosedFolder(home)}: ` +
      'start as a normal user, or move the checkout and TRAINYARD_HOME to a folder that all may enter',
  )
}

/** Whether every user has the rights `bits` on `path`, and may enter all folders above it. */
function isOpenToAll(path: string, bits: number): boolean {
  const real = realpathSync(path)
  return (statSync(real).mode & bits) === bits && firstClosedFolder(real) === null
}

function firstClosedFolder(path: string): string | null {
  let folder = dirname(realpathSync(path))
  for (;;) {
    if ((statSync(folder).mode & EXECUTE_BY_ALL) === 0) return folder
    const above = dirname(folder)
    if (above === folder) return null
    folder = above
  }
}

function readOwner(dataFolder: string): { uid: number; gid: number } | null {
  const owner = statSync(dataFolder, { throwIfNoEntry: false })
  return owner === undefined || owner.uid === 0 ? null : { uid: owner.uid, gid: owner.gid }
}

function readUser(name: string): { uid: number; gid: number } | null {
  let table: string
  try {
    table = readFileSync('/etc/passwd', 'utf8')
  } catch {
    // Images without a user table exist; the caller has a number for them.
    return null
  }
  const fields = table
    .split('\n')
    .map((line) => line.split(':'))
    .find((candidate) => candidate[0] === name)
  const uid = Number(fields?.[2])
  const gid = Number(fields?.[3])
  return Number.isInteger(uid) && Number.isInteger(gid) && uid > 0 ? { uid, gid } : null
}
