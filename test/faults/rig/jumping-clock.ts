/** Loaded before a service, as `jumping-clock.ts?seconds=-60`: at SIGUSR2 its clock of the day jumps. Postgres' stays. */
const jumpMs = Number(new URL(import.meta.url).searchParams.get('seconds')) * 1000
const now = Date.now.bind(Date)
const RealDate = Date
let offsetMs = 0

process.on('SIGUSR2', () => {
  offsetMs = jumpMs
})
Date.now = () => now() + offsetMs
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args) =>
    args.length === 0 ? new target(target.now()) : Reflect.construct(target, args),
})
