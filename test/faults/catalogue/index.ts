import type { Fault } from '../fault.ts'
import { f25, f25default } from './kills.ts'
import { f01, f02 } from './steady.ts'

export const CATALOGUE: readonly Fault[] = [f01, f02, f25, f25default]
