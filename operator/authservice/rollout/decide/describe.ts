import type { MigrationResult, ObservedColor } from './observation.ts'

/** What a colour is waiting for until all its pods are available, for people. */
export function describeColor(name: string, color: ObservedColor | undefined, needed: number): string {
  const problem = color?.problem === undefined ? '' : `: ${color.problem}`
  if (color === undefined) return `${name} is being created`
  if (!color.current) return `waiting for the spec update of ${name} to be observed`
  if (color.updatedReplicas < needed)
    return `${color.updatedReplicas} of ${needed} pods of ${name} run the new revision${problem}`
  if (color.availableReplicas < needed)
    return `waiting for ${needed - color.availableReplicas} of ${needed} pods of ${name}${problem}`
  // Old pods continue to serve until the new ones are ready.
  const unready = color.totalReplicas - color.availableReplicas
  if (color.totalReplicas > needed && unready > 0) return `waiting for ${unready} new pods of ${name}${problem}`
  if (color.totalReplicas > needed)
    return `waiting for ${color.totalReplicas - needed} old pods of ${name} to terminate`
  return `${needed} of ${needed} pods of ${name} are available`
}

/** State of the migration of the database, for people. */
export function databaseMessage(migration: MigrationResult | undefined): string {
  return `preparing the database${migration === undefined ? '' : `: ${migration.message}`}`
}
