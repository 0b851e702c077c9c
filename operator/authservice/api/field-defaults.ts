import { presetOf } from './presets.ts'
import { type Environment, environments } from './spec.ts'

/** The part of the declaration of a field from which its default is read. */
export interface DeclaredField {
  defaultText?: unknown
  properties?: unknown
  /**
   * The Kubernetes type of the field, such as `core/v1 ResourceRequirements`: its subfields have no defaults of their
   * own.
   */
  shape?: unknown
}

/**
 * The default of an omitted field, as text: one value, or one for each environment. These are not defaults of the
 * CustomResourceDefinition, which cannot depend on another field.
 *
 * @param path of the field below `spec`, such as `['autoscaling', 'minReplicas']`
 * @returns undefined if the subfields have their own defaults, or if there is none
 */
export function defaultOf(path: readonly string[], { defaultText, properties, shape }: DeclaredField) {
  if (typeof defaultText === 'string') return defaultText
  if (properties !== undefined && shape === undefined) return undefined
  const values = environments.map((environment) => [environment, valueAt(presetOf(environment), path)] as const)
  if (values.some(([, value]) => value === undefined)) return undefined
  return describe(values.map(([environment, value]) => [environment, `\`${flowYaml(value)}\``]))
}

/** One value if all environments have the same, otherwise each value with its environments. */
function describe(values: readonly (readonly [Environment, string])[]): string {
  const distinct = [...new Set(values.map(([, value]) => value))]
  if (distinct.length === 1) return distinct.join()
  return distinct
    .map((value) => {
      const having = values.filter(([, other]) => other === value).map(([environment]) => environment)
      return `${having.join(' and ')}: ${value}`
    })
    .join('; ')
}

/** Presets are plain data, so every step of the path leads into an object or out of the preset. */
function valueAt(preset: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), preset)
}

/** A value in the form in which users write it in a spec, on one line. */
function flowYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => `'${one}'`).join(', ')}]`
  if (!isRecord(value)) return String(value)
  return `{ ${Object.entries(value)
    .map(([key, of]) => `${key}: ${flowYaml(of)}`)
    .join(', ')} }`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
