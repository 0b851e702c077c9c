import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cached } from '../programs/cache.ts'
import { checkout } from '../programs/checkout.ts'
import { readGoModule } from '../programs/go-module.ts'
import { goToolchain } from '../programs/go-toolchain.ts'
import { StepLog } from '../programs/step-log.ts'

/** The release of cert-manager whose definitions are used, and whose controller the tests with neighbours run. */
const certManager = 'github.com/cert-manager/cert-manager@v1.21.2'
const gatewayApi = 'sigs.k8s.io/gateway-api@v1.6.0'
/** The release of Traefik that the tests with neighbours run. */
const traefik = 'github.com/traefik/traefik/v3@v3.7.13'
const traefikFolder = 'docs/content/reference/dynamic-configuration'
const gatewayFolder = 'config/crd/standard/gateway.networking.k8s.io'

/** CustomResourceDefinitions of other projects: the Go module that contains each, and the file in it. */
const sources = {
  certificate: { module: certManager, file: 'deploy/crds/cert-manager.io_certificates.yaml' },
  certificateRequest: { module: certManager, file: 'deploy/crds/cert-manager.io_certificaterequests.yaml' },
  clusterIssuer: { module: certManager, file: 'deploy/crds/cert-manager.io_clusterissuers.yaml' },
  issuer: { module: certManager, file: 'deploy/crds/cert-manager.io_issuers.yaml' },
  backendTlsPolicy: { module: gatewayApi, file: `${gatewayFolder}_backendtlspolicies.yaml` },
  gateway: { module: gatewayApi, file: `${gatewayFolder}_gateways.yaml` },
  gatewayClass: { module: gatewayApi, file: `${gatewayFolder}_gatewayclasses.yaml` },
  grpcRoute: { module: gatewayApi, file: `${gatewayFolder}_grpcroutes.yaml` },
  httpRoute: { module: gatewayApi, file: `${gatewayFolder}_httproutes.yaml` },
  referenceGrant: { module: gatewayApi, file: `${gatewayFolder}_referencegrants.yaml` },
  tlsRoute: { module: gatewayApi, file: `${gatewayFolder}_tlsroutes.yaml` },
  middleware: { module: traefik, file: `${traefikFolder}/traefik.io_middlewares.yaml` },
  /** All kinds of Traefik, one document each. */
  traefik: { module: traefik, file: `${traefikFolder}/kubernetes-crd-definition-v1.yml` },
  trafficPolicy: {
    module: 'github.com/envoyproxy/gateway@v1.9.1',
    file: 'charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_backendtrafficpolicies.yaml',
  },
} as const

export type Definition = keyof typeof sources

/** The folder with `<name>.yaml` of each definition, from the cache or from Go's module proxy. */
export function definitionFiles(): Promise<string> {
  return cached('definitions', { sources: JSON.stringify(sources) }, download)
}

async function download(folder: string): Promise<void> {
  const log = new StepLog(join(checkout.logDirectory, 'definitions.log'))
  const go = await goToolchain((await readGoModule()).goVersion, log)
  const module = await mkdtemp(join(tmpdir(), 'authservice-definitions-'))
  try {
    await writeFile(join(module, 'go.mod'), 'module definitions\n')
    for (const [name, source] of Object.entries(sources)) {
      const answer = await log.run(go, ['mod', 'download', '-json', source.module], {
        cwd: module,
        progress: () => undefined,
      })
      await copyFile(join(JSON.parse(answer).Dir, source.file), join(folder, `${name}.yaml`))
    }
  } finally {
    await rm(module, { recursive: true })
  }
}
