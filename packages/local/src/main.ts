/** The commands of `trainyard`, on the pinned Node. `bin/trainyard.mjs` has installed the dependencies before. */
import { build } from './build.ts'
import { CHECKOUT } from './checkout.ts'
import { become } from './commands/become.ts'
import { HELP } from './commands/help.ts'
import { sayToPerson } from './say.ts'
import { serviceScript } from './service-process.ts'
import { toStartError } from './start-error.ts'

const EXIT_USAGE = 2

process.exit(await run(process.argv.slice(2)))

async function run([command, ...args]: string[]): Promise<number> {
  try {
    return await dispatch(command ?? 'help', args)
  } catch (error) {
    const known = toStartError(error)
    if (known !== null) sayToPerson(known.message)
    // A bug of ours: the stack says where.
    else console.error(error)
    return 1
  }
}

async function dispatch(command: string, args: string[]): Promise<number> {
  switch (command) {
    case 'start':
      return (await import('./commands/start.ts')).start()
    case 'demo':
      return (await import('./demo/demo.ts')).demo()
    case 'keys':
      await build(sayToPerson)
      return (await import('./commands/keys.ts')).keys(args)
    case 'migrate':
      return (await import('./commands/migrate.ts')).migrate()
    case 'api':
    case 'scheduler':
    case 'worker':
      await build(sayToPerson)
      return become([serviceScript(command)], process.env)
    case 'build':
      await build(sayToPerson)
      return 0
    case 'test':
      await build(sayToPerson)
      return become([`${CHECKOUT}node_modules/vitest/vitest.mjs`, 'run', ...args], process.env)
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(HELP)
      return 0
    default:
      sayToPerson(`there is no command ${command}; "trainyard help" lists them`)
      return EXIT_USAGE
  }
}
