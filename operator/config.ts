import { hostname } from 'node:os'
import {
  type Environment,
  parseVariables,
  setVariables,
  type VariableProblem,
} from '@authservice-operator/contract/read-variables.ts'
import Type, { type Static } from 'typebox'
import { repositoryOf } from './authservice/api/server-image.ts'

const image = (of: string, example: string) =>
  Type.String({ minLength: 1, description: `full reference of the ${of} image, such as ${example}` })

/** Every variable that the operator reads. The error for an invalid value contains the description. */
export const EnvironmentSchema = Type.Object({
  RELATED_IMAGE_API_SERVER: image('auth server', 'ghcr.io/authservice-operator/api-server:0.1.0'),
  RELATED_IMAGE_HELPER: Type.String({
    default: '',
    description: 'full reference of the image that prepares a managed MongoDB; empty for DEFAULT_IMAGE_HELPER',
  }),
  DEFAULT_IMAGE_HELPER: Type.String({
    default: '',
    description:
      'full reference of the image with which a release prepares a managed MongoDB, if RELATED_IMAGE_API_SERVER is in the same repository; empty for the auth server image',
  }),
  RELATED_IMAGE_REDIS: image('Redis', 'docker.io/library/redis:8.0'),
  RELATED_IMAGE_MONGODB: image('MongoDB', 'docker.io/library/mongo:8.0'),
  RELATED_IMAGE_NGINX: image('Nginx', 'docker.io/library/nginx:1.30'),
  WATCH_NAMESPACES: Type.String({
    default: '',
    pattern: '^$|^[a-z0-9-]+( *, *[a-z0-9-]+)*$',
    description: 'list of namespaces to watch, separated by commas; empty for all',
  }),
  ALLOWED_IMAGE_PREFIXES: Type.String({
    default: '',
    description: 'list of prefixes that images of AuthServices may have, separated by commas; empty for any',
  }),
  ALLOWED_INGRESS_ANNOTATIONS: Type.String({
    default: '',
    pattern: '^$|^[A-Za-z0-9._/-]+[*]?( *, *[A-Za-z0-9._/-]+[*]?)*$',
    description:
      'list of additional annotations that an AuthService may set on its Ingress, separated by commas; an entry that ends in * allows all annotations with this prefix',
  }),
  PROMETHEUS_URL: Type.String({
    default: '',
    pattern: '^$|^https?://[^ ]+$',
    description: 'URL of Prometheus, such as http://prometheus.monitoring:9090; empty for none',
  }),
  WORKERS: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 4,
    description: 'number of AuthServices that are reconciled at the same time',
  }),
  MAX_CONCURRENT_ROLLOUTS: Type.Integer({
    minimum: 0,
    maximum: 1000,
    default: 10,
    description: 'number of AuthServices that roll out at the same time; 0 for no limit',
  }),
  METRICS_PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'port of /metrics, /healthz and /readyz; 0 for any free port',
  }),
  PROFILING_PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 0,
    description: 'port of /debug/pprof/ on the loopback interface; 0 to disable it',
  }),
  LEADER_ELECTION: Type.Boolean({
    default: true,
    description: 'choice between true, and false for a single operator without a Lease',
  }),
  POD_NAME: Type.String({ minLength: 1, default: hostname(), description: 'name of this operator in the Lease' }),
  POD_NAMESPACE: Type.String({
    minLength: 1,
    default: 'authservice-system',
    description: 'namespace of the Lease and its events',
  }),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe level that is logged: trace, debug, info, warn, error or fatal',
  }),
})

/** The settings of the operator, read once at startup. */
export interface Config {
  /** Images of the children; `spec.version` and `spec.image` of an AuthService override that of the server. */
  images: { server: string; helper?: string; redis: string; mongodb: string; nginx: string }
  /** Watched namespaces; empty: all. */
  watchNamespaces: string[]
  /** Allowed prefixes of `spec.image`; empty: every image. */
  allowedImagePrefixes: string[]
  /** Annotations that an Ingress of an AuthService may have in addition to those that are always allowed. */
  allowedIngressAnnotations: string[]
  /** Address of the Prometheus for queries of AuthServices; undefined: AuthServices may not have queries. */
  prometheusUrl: string | undefined
  /** Number of AuthServices that are reconciled in parallel. */
  workers: number
  /** Number of AuthServices that roll out at the same time; 0: no limit. */
  maxConcurrentRollouts: number
  /** Port of metrics and probes. */
  metricsPort: number
  /** Port of profiles, on the loopback interface only; undefined: disabled. */
  profilingPort: number | undefined
  /** undefined: this operator leads without an election. */
  leaderElection: { namespace: string } | undefined
  /** Name of this process in the Lease and in events. */
  podName: string
  logLevel: Static<typeof EnvironmentSchema>['LOG_LEVEL']
}

/** The environment is invalid. The message has one line for each missing or invalid variable. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the settings from environment variables.
 * @throws ConfigError that names every problem, not only the first
 */
export function readConfig(environment: Environment): Config {
  const parsed = parseVariables(EnvironmentSchema, setVariables(EnvironmentSchema, environment))
  if ('problems' in parsed) throw new ConfigError(parsed.problems.map(messageOf).join('\n'))
  const { values } = parsed

  return {
    images: {
      server: values.RELATED_IMAGE_API_SERVER,
      ...helperImage(values),
      redis: values.RELATED_IMAGE_REDIS,
      mongodb: values.RELATED_IMAGE_MONGODB,
      nginx: values.RELATED_IMAGE_NGINX,
    },
    watchNamespaces: listOf(values.WATCH_NAMESPACES),
    allowedImagePrefixes: listOf(values.ALLOWED_IMAGE_PREFIXES),
    allowedIngressAnnotations: listOf(values.ALLOWED_INGRESS_ANNOTATIONS),
    prometheusUrl: values.PROMETHEUS_URL === '' ? undefined : values.PROMETHEUS_URL,
    workers: values.WORKERS,
    maxConcurrentRollouts: values.MAX_CONCURRENT_ROLLOUTS,
    metricsPort: values.METRICS_PORT,
    profilingPort: values.PROFILING_PORT === 0 ? undefined : values.PROFILING_PORT,
    leaderElection: values.LEADER_ELECTION ? { namespace: values.POD_NAMESPACE } : undefined,
    podName: values.POD_NAME,
    logLevel: values.LOG_LEVEL,
  }
}

/**
 * A private registry contains the image that RELATED_IMAGE_API_SERVER names, because servers need it. It may not
 * contain the pinned helper image of a release, so the pin applies only to the published server image.
 */
function helperImage({
  RELATED_IMAGE_HELPER: written,
  DEFAULT_IMAGE_HELPER: pinned,
  RELATED_IMAGE_API_SERVER: server,
}: Static<typeof EnvironmentSchema>): Pick<Config['images'], 'helper'> {
  if (written !== '') return { helper: written }
  return pinned !== '' && repositoryOf(pinned) === repositoryOf(server) ? { helper: pinned } : {}
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function messageOf({ name, given, expected }: VariableProblem): string {
  return given === undefined
    ? `${name} is missing: set it to the ${expected}`
    : `${name}=${given} is invalid: it must be the ${expected}`
}
