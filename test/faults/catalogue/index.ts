import type { Fault } from '../fault.ts'
import { f63 } from './campaign.ts'
import { f37, f39 } from './cancels.ts'
import { f40 } from './clocks.ts'
import { f20, f21 } from './disks.ts'
import { f11 } from './failpoints.ts'
import { f25, f25default } from './kills.ts'
import { f14, f15, f16, f17, f18, f19, f22 } from './postgres.ts'
import { p01 } from './predictions.ts'
import { f03, f04, f05, f06, f07, f08, f09, f10 } from './redis.ts'
import { f01, f02, f12, f13 } from './steady.ts'
import { f41 } from './stress.ts'
import { f32, f33, f34, f35, f36, f38, f44 } from './threads.ts'
import { f26, f27, f28, f29, f30, f31 } from './workers.ts'

/** In the order of their numbers. */
export const CATALOGUE: readonly Fault[] = [
  ...[f01, f02, f03, f04, f05, f06, f07, f08, f09, f10, f11, f12, f13],
  ...[f14, f15, f16, f17, f18, f19, f20, f21, f22],
  ...[f25, f25default, f26, f27, f28, f29, f30, f31, f32, f33, f34, f35, f36],
  ...[f37, f38, f39, f40, f41, f44, f63, p01],
]
