import type { MigrationResult, ObservedColor } from './world.ts'

/** What a colour that is not whole waits for, for a person. */
export function describeColor(name: string, color: ObservedColor | undefined, needed: number): string {
  const trouble = color?.trouble === undefined ? '' : `: ${color.trouble}`
  if (color === undefined) return `${name} is being created`
  if (!color.current) return `waiting for ${name} to be taken up`
  if (color.updatedReplicas < needed)
    return `${color.updatedReplicas} of ${needed} pods of ${name} run the new revision${trouble}`
  if (color.availableReplicas < needed)
    return `waiting for ${needed - color.availableReplicas} of ${needed} pods of ${name}${trouble}`
  if (color.totalReplicas > needed) return `waiting for ${color.totalReplicas - needed} old pods of ${name} to end`
  return `${needed} of ${needed} pods of ${name} are available`
}

/** How far the database is, for a person. */
export function databaseMessage(migration: MigrationResult | undefined): string {
  return `the database is made ready${migration === undefined ? '' : `: ${migration.message}`}`
}
