/** Helps the thread of another job to train it, until that job ends. Runs under piscina, one task per thread. */
import { type Assignment, assist } from '@trainyard/engine'

export default function help(assignment: Assignment): void {
  assist(assignment)
}
