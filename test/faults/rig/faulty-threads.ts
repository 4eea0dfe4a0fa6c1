/** Loaded before a worker and in each of its threads: jobs are trained by `faulty.thread.ts`, which knows bad ones. */
import { registerHooks } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { joinMemoryGroup } from './memory-group.ts'

const TRAINING = '/services/worker/src/threads/train.thread.ts'
const FAULTY = new URL('faulty.thread.ts', import.meta.url).href

if (isMainThread) joinMemoryGroup(process.env)

registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const isReal = context.parentURL === FAULTY
    return resolved.url.endsWith(TRAINING) && !isReal ? { ...resolved, url: FAULTY } : resolved
  },
})
