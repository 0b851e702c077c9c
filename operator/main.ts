import { KubeConfig } from '@kubernetes/client-node'
import closeWithGrace from 'close-with-grace'
import { pino } from 'pino'
import manifest from '../package.json' with { type: 'json' }
import { ConfigError, readConfig } from './config.ts'
import { reconcileFields } from './kube/reconcile-context.ts'
import { Operator } from './operator.ts'

/** Startup and shutdown. `operator.ts` contains everything else. */
const config = readConfigOrExit()
const log = pino({
  level: config.logLevel,
  base: null,
  formatters: { level: (label) => ({ level: label }) },
  mixin: () => ({ ...reconcileFields() }),
})
const operator = new Operator(config, { kubeConfig: readKubeConfigOrExit(), version: manifest.version, log })

closeWithGrace({ delay: 20_000, logger: false }, async ({ signal, err }) => {
  if (err) log.fatal({ err }, 'the operator exits because of an error')
  else log.info({ signal }, 'the operator is shutting down')
  await operator.stop()
})

try {
  const reason = await operator.run()
  if (reason !== undefined) {
    log.fatal({ reason }, 'the operator exits, because another one may be the leader')
    process.exit(1)
  }
} catch (error) {
  log.fatal({ err: error }, 'the operator cannot start')
  process.exit(1)
}

function readConfigOrExit() {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`The operator cannot start, because its environment is invalid:\n${error.message}`)
    process.exit(1)
  }
}

/** KUBECONFIG or ~/.kube/config, otherwise the service account of the pod. */
function readKubeConfigOrExit(): KubeConfig {
  const kubeConfig = new KubeConfig()
  try {
    kubeConfig.loadFromDefault()
  } catch (error) {
    console.error(`The operator cannot start, because the kubeconfig cannot be read: ${error}`)
    process.exit(1)
  }
  return kubeConfig
}
