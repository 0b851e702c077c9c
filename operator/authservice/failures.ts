import { KubeError } from '../kube/errors.ts'
import { type ApplyFailure, ForeignObjectError } from './apply/apply.ts'
import type { Manifest } from './apply/plan.ts'
import type { ConditionType } from './conditions.ts'
import type { Finding } from './finding.ts'
import { componentLabel } from './resources/metadata.ts'

/** Failed writes, by what helps. */
export interface JudgedFailures {
  /** Only a person can help: they stall the AuthService and are tried again slowly. */
  findings: Finding[]
  /** Trying again helps: undefined when there is none. */
  transient: { message: string; error: unknown } | undefined
}

/**
 * Tells failed writes that a person has to mend from those that pass.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#response-codes for the codes
 */
export function judgeFailures(failures: readonly ApplyFailure[]): JudgedFailures {
  const findings: Finding[] = []
  const transient: ApplyFailure[] = []
  for (const failure of failures) {
    const finding = findingOf(failure)
    if (finding === undefined) transient.push(failure)
    else findings.push(finding)
  }
  const [first] = transient
  if (first === undefined) return { findings, transient: undefined }
  const message = transient
    .map(({ child, error }) => `${child.kind} ${child.metadata.name}: ${textOf(error)}`)
    .join('; ')
  return { findings, transient: { message: `Writing failed and is tried again: ${message}`, error: first.error } }
}

function findingOf({ child, error }: ApplyFailure): Finding | undefined {
  const stall = { kind: 'stall', condition: conditionOf(child) } as const
  if (error instanceof ForeignObjectError) return { ...stall, reason: 'ChildNotOwned', message: error.message }
  const name = `${child.kind} ${child.metadata.name}`
  switch (error instanceof KubeError ? error.status : undefined) {
    // Forbidden is both a missing permission of the operator and a quota that is used up: the message tells.
    case 403:
      return { ...stall, reason: 'ApplyRefused', message: `The API server forbids to write ${name}: ${textOf(error)}` }
    case 400:
    case 422:
      return {
        ...stall,
        reason: 'ApplyRefused',
        message: `The API server refuses ${name}: ${withAdvice(textOf(error))}`,
      }
    default:
      return undefined
  }
}

/** Kinds without which their part cannot be what the spec asks for. */
const bearing = new Set(['Deployment', 'StatefulSet', 'Service', 'Ingress', 'HTTPRoute'])
const conditions: Readonly<Record<string, ConditionType>> = {
  server: 'WorkloadAvailable',
  redis: 'RedisReady',
  mongodb: 'MongoDBReady',
  edge: 'IngressReady',
}

/** Where a child that cannot be written shows, beside `Stalled` and `Ready`. */
function conditionOf({ kind, metadata }: Manifest): ConditionType {
  if (kind === 'Secret') return 'SecretsReady'
  const component = metadata.labels?.[componentLabel] ?? ''
  return (bearing.has(kind) ? conditions[component] : undefined) ?? 'Stalled'
}

function withAdvice(text: string): string {
  return /nodePort.*already allocated/.test(text)
    ? `${text.replace(/\.$/, '')}. Write another number as ingress.nginx.nodePort, or 0 for any that is free.`
    : text
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
