import { KubeError } from '../../kube/errors.ts'
import { type ApplyFailure, type ApplyResult, NotOwnedError } from '../apply/apply.ts'
import type { KeptField } from '../apply/kept-fields.ts'
import type { ConditionType } from '../model/condition.ts'
import type { Finding } from '../model/finding.ts'
import { componentLabel } from '../model/labels.ts'
import type { Manifest } from '../model/manifest.ts'

/** Failed writes, by what resolves them. */
export interface ClassifiedFailures {
  /** Only a user can resolve them: they stall the AuthService and are retried slowly. */
  findings: Finding[]
  /** A retry can resolve them; undefined: there are none. */
  transient: { message: string; error: unknown } | undefined
}

/**
 * Distinguishes failed writes that a user must correct from temporary failures.
 *
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#response-codes for the codes
 */
export function classifyFailures(failures: readonly ApplyFailure[]): ClassifiedFailures {
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
  return { findings, transient: { message: `Writing failed; retrying: ${message}`, error: first.error } }
}

function findingOf({ child, error }: ApplyFailure): Finding | undefined {
  const blocking = { kind: 'blocking', condition: conditionOf(child) } as const
  if (error instanceof NotOwnedError) return { ...blocking, reason: 'ChildNotOwned', message: error.message }
  const name = `${child.kind} ${child.metadata.name}`
  switch (error instanceof KubeError ? error.status : undefined) {
    // Forbidden can mean a missing permission of the operator or an exceeded quota: the message distinguishes them.
    case 403:
      return {
        ...blocking,
        reason: 'ApplyRefused',
        message: `The API server forbids the operator to write ${name}: ${textOf(error)}`,
      }
    case 400:
    case 422:
      return {
        ...blocking,
        reason: 'ApplyRefused',
        message: isImmutableSecret(child, error)
          ? adviceForImmutable(child)
          : `The API server refuses ${name}: ${withAdvice(textOf(error))}`,
      }
    default:
      return undefined
  }
}

/** Values of a Secret are never shown; others are, if they fit into a sentence. */
const mostOfValue = 120

/** A finding about an admission policy. */
export interface KeptFinding extends Finding {
  /** The part of the message that stays the same when children change. */
  sentence: string
}

/** Maximum number of named children to which a policy does the same. */
const mostChildren = 3

/**
 * Reports the effects of admission policies on children, in one finding for each field and value. They block nothing,
 * because they may be intended.
 */
export function keptFieldFindings(kept: ApplyResult['kept']): KeptFinding[] {
  const children = new Map<string, Manifest[]>()
  for (const { child, fields } of kept) {
    for (const field of fields) {
      const sentence = `An admission policy keeps ${describeKept(child, field)}`
      children.set(sentence, [...(children.get(sentence) ?? []), child])
    }
  }
  return [...children].map(([sentence, of]) => {
    const [first] = of
    const condition = first === undefined ? 'Stalled' : conditionOf(first)
    const named = of.slice(0, mostChildren).map((child) => `${child.kind} ${child.metadata.name}`)
    const more = of.length > named.length ? ` and ${of.length - named.length} more` : ''
    return {
      kind: 'warning',
      condition: condition === 'Stalled' ? 'Ready' : condition,
      reason: 'KeptByPolicy',
      message: `${sentence} (${named.join(', ')}${more}).`,
      sentence,
    }
  })
}

function describeKept({ kind }: Manifest, { path, value }: KeptField): string {
  if (value === undefined || value === null) return `${path} out`
  if (kind === 'Secret' && !path.startsWith('metadata.')) return `${path} at another value`
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return `${path} at ${text.length > mostOfValue ? `${text.slice(0, mostOfValue)}…` : text}`
}

/** Kinds without which their component cannot fulfil the spec. */
const bearing = new Set(['Deployment', 'StatefulSet', 'Service', 'Ingress', 'HTTPRoute'])
const conditions: Readonly<Record<string, ConditionType>> = {
  server: 'WorkloadAvailable',
  redis: 'RedisReady',
  mongodb: 'MongoDBReady',
  edge: 'IngressReady',
}

/** The condition that reports a child that cannot be written, in addition to `Stalled` and `Ready`. */
function conditionOf({ kind, metadata }: Manifest): ConditionType {
  if (kind === 'Secret') return 'SecretsReady'
  const component = metadata.labels?.[componentLabel] ?? ''
  return (bearing.has(kind) ? conditions[component] : undefined) ?? 'Stalled'
}

function isImmutableSecret({ kind }: Manifest, error: unknown): boolean {
  return kind === 'Secret' && /immutable/.test(textOf(error))
}

/** Between the deletion and the replacement of a Secret, an operator that is not suspended would create a new one. */
function adviceForImmutable({ metadata: { name, namespace, labels } }: Manifest): string {
  const authService = labels?.['app.kubernetes.io/instance'] ?? 'NAME'
  const kubectl = `kubectl -n ${namespace}`
  const patch = (suspend: boolean) =>
    `${kubectl} patch authservice ${authService} --type merge -p '{"spec":{"suspend":${suspend}}}'`
  const suspended = `jsonpath='{.status.conditions[?(@.type=="Reconciling")].reason}'=Suspended`
  const commands = [
    patch(true),
    `${kubectl} wait authservice ${authService} --for=${suspended}`,
    `(umask 077 && ${kubectl} get secret ${name} -o yaml > ${name}.yaml)`,
    `sed '/^immutable: true$/d' ${name}.yaml | ${kubectl} replace --force -f -`,
    patch(false),
    `rm ${name}.yaml`,
  ]
  return (
    `Secret ${name} is immutable, so the operator cannot update it. Make it mutable without losing its content. ` +
    `Suspend the AuthService first, because otherwise the operator creates a new Secret in between: ${commands.join(' && ')}`
  )
}

function withAdvice(text: string): string {
  return /nodePort.*already allocated/.test(text)
    ? `${text.replace(/\.$/, '')}. Write another ingress.nginx.nodePort, or 0 for any free port.`
    : text
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
