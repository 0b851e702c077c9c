import { decideRollout } from './decide.ts'
import { observe, type SimulatedWorld, writesOf } from './simulated-world.ts'
import type { RolloutDecision } from './world.ts'

/** What an operator decides that looks at the world now. */
export function decide(world: SimulatedWorld): RolloutDecision {
  return decideRollout(observe(world), world.memory, new Date(world.now))
}

/** @param writes after how many of its writes the visit is cut off */
export function visit(world: SimulatedWorld, writes = Number.POSITIVE_INFINITY): SimulatedWorld {
  return writesOf(decide(world))
    .slice(0, writes)
    .reduce((next, write) => write(next), world)
}
