import { presetOf } from './presets.ts'
import { type Environment, environments } from './spec.ts'

/** The part of a field's declaration that its default is read from. */
export interface DeclaredField {
  defaultText?: unknown
  properties?: unknown
  /** The Kubernetes type that the field is, such as `core/v1 ResourceRequirements`: its parts have no defaults of their own. */
  shape?: unknown
}

/**
 * What a field of a spec is when it is left out, in words: one value, or one for each environment. They are no defaults
 * of the CustomResourceDefinition, which cannot depend on another field.
 *
 * @param path of the field below `spec`, such as `['autoscaling', 'minReplicas']`
 * @returns undefined where the parts of the field have defaults of their own, or there is none
 */
export function defaultOf(path: readonly string[], { defaultText, properties, shape }: DeclaredField) {
  if (typeof defaultText === 'string') return defaultText
  if (properties !== undefined && shape === undefined) return undefined
  const values = environments.map((environment) => [environment, valueAt(presetOf(environment), path)] as const)
  if (values.some(([, value]) => value === undefined)) return undefined
  return describe(values.map(([environment, value]) => [environment, `\`${flowYaml(value)}\``]))
}

/** One value where all agree, else each with the environments that have it. */
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

/** A value as one would write it in a spec, on one line. */
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
