import { hostname } from 'node:os'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'

const image = (of: string, example: string) =>
  Type.String({ minLength: 1, description: `full reference of the ${of} image, such as ${example}` })

/** Every variable that the operator reads. The description is what a wrong value is answered with. */
export const EnvironmentSchema = Type.Object({
  RELATED_IMAGE_API_SERVER: image('auth server', 'ghcr.io/authservice-operator/api-server:0.1.0'),
  RELATED_IMAGE_REDIS: image('Redis', 'docker.io/library/redis:8.0'),
  RELATED_IMAGE_MONGODB: image('MongoDB', 'docker.io/library/mongo:8.0'),
  RELATED_IMAGE_NGINX: image('Nginx', 'docker.io/library/nginx:1.30'),
  WATCH_NAMESPACES: Type.String({
    default: '',
    pattern: '^$|^[a-z0-9-]+( *, *[a-z0-9-]+)*$',
    description: 'list of namespaces to look after, separated by commas; empty for all of them',
  }),
  ALLOWED_IMAGE_PREFIXES: Type.String({
    default: '',
    description: 'list of prefixes that an AuthService may begin its image with, separated by commas; empty for any',
  }),
  PROMETHEUS_URL: Type.String({
    default: '',
    pattern: '^$|^https?://[^ ]+$',
    description: 'address of Prometheus, such as http://prometheus.monitoring:9090; empty for none',
  }),
  WORKERS: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 4,
    description: 'number of AuthServices reconciled at a time',
  }),
  METRICS_PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 8080,
    description: 'port of /metrics, /healthz and /readyz; 0 for any free one',
  }),
  PROFILING_PORT: Type.Integer({
    minimum: 0,
    maximum: 65535,
    default: 0,
    description: 'port of /debug/pprof/ on the loopback interface; 0 for none',
  }),
  LEADER_ELECTION: Type.Boolean({
    default: true,
    description: 'choice between true, and false for a single operator without a Lease',
  }),
  POD_NAME: Type.String({ minLength: 1, default: hostname(), description: 'name of this operator in the Lease' }),
  POD_NAMESPACE: Type.String({
    minLength: 1,
    default: 'authservice-system',
    description: 'namespace of the Lease and of the events about it',
  }),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe log level that is written: trace, debug, info, warn, error or fatal',
  }),
})

/** The operator's settings, read once at the start. */
export interface Config {
  /** Images of the children; `spec.version` and `spec.image` of an AuthService replace the server's. */
  images: { server: string; redis: string; mongodb: string; nginx: string }
  /** Namespaces to look after; empty means all. */
  watchNamespaces: string[]
  /** What the image of an AuthService must begin with; empty allows every image. */
  allowedImagePrefixes: string[]
  /** Address of the Prometheus that queries of AuthServices go to; undefined: none may have one. */
  prometheusUrl: string | undefined
  /** AuthServices reconciled at a time. */
  workers: number
  /** Port of metrics and probes. */
  metricsPort: number
  /** Port of profiles, on the loopback interface only; undefined: none are taken. */
  profilingPort: number | undefined
  /** undefined: this operator leads without asking. */
  leaderElection: { namespace: string } | undefined
  /** Name of this process in the Lease and in events. */
  podName: string
  logLevel: Static<typeof EnvironmentSchema>['LOG_LEVEL']
}

/** The environment cannot be used. The message has one line for each variable that is missing or wrong. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the settings from environment variables.
 * @throws ConfigError that names every problem, not only the first
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const known = Object.fromEntries(
    Object.keys(EnvironmentSchema.properties).flatMap((name) => {
      const value = environment[name]?.trim()
      // Manifests often carry a variable with no value: it means "not set".
      return value === undefined || value === '' ? [] : [[name, value]]
    }),
  )
  const values = Value.Convert(EnvironmentSchema, Value.Default(EnvironmentSchema, known))
  if (!Value.Check(EnvironmentSchema, values)) throw new ConfigError(problems(known, values).join('\n'))

  return {
    images: {
      server: values.RELATED_IMAGE_API_SERVER,
      redis: values.RELATED_IMAGE_REDIS,
      mongodb: values.RELATED_IMAGE_MONGODB,
      nginx: values.RELATED_IMAGE_NGINX,
    },
    watchNamespaces: listOf(values.WATCH_NAMESPACES),
    allowedImagePrefixes: listOf(values.ALLOWED_IMAGE_PREFIXES),
    prometheusUrl: values.PROMETHEUS_URL === '' ? undefined : values.PROMETHEUS_URL,
    workers: values.WORKERS,
    metricsPort: values.METRICS_PORT,
    profilingPort: values.PROFILING_PORT === 0 ? undefined : values.PROFILING_PORT,
    leaderElection: values.LEADER_ELECTION ? { namespace: values.POD_NAMESPACE } : undefined,
    podName: values.POD_NAME,
    logLevel: values.LOG_LEVEL,
  }
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

function problems(given: Record<string, unknown>, values: unknown): string[] {
  const properties: Record<string, object> = EnvironmentSchema.properties
  const names = Value.Errors(EnvironmentSchema, values).flatMap((error) =>
    error.keyword === 'required' ? error.params.requiredProperties : [error.instancePath.slice(1)],
  )
  return [...new Set(names)].map((name) => {
    const property = properties[name] ?? {}
    const what = 'description' in property ? property.description : 'right value'
    return name in given
      ? `${name}=${given[name]} is wrong: it must be the ${what}`
      : `${name} is missing: set it to the ${what}`
  })
}
