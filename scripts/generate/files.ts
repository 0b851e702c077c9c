import { stringify } from 'yaml'
import { clientDefinition } from '../../operator/auth-client/api/crd.ts'
import { plural as clientPlural } from '../../operator/auth-client/api/group.ts'
import { customResourceDefinition } from '../../operator/authservice/api/crd.ts'
import { group, plural } from '../../operator/authservice/api/group.ts'
import { apiTypes } from './api-client.ts'
import { apiDescription } from './api-description.ts'
import { chartFiles } from './chart.ts'
import { configurationPage } from './configuration.ts'
import { operatorDashboardMap, operatorRules } from './operator-rules.ts'
import { clientReferencePage, referencePage } from './reference.ts'

const source = 'operator/authservice/api'
const clientSource = 'operator/auth-client/api'

/** Every generated file: path from the root of the repository → content. */
export async function generatedFiles(): Promise<Record<string, string>> {
  const document = await apiDescription()
  const chart = Object.entries(await chartFiles())
  return {
    [`crds/${group}_${plural}.yaml`]: withHeader(
      stringify(customResourceDefinition(), { lineWidth: 120, aliasDuplicateObjects: false }),
    ),
    [`crds/${group}_${clientPlural}.yaml`]: withHeader(
      // Quotes the members `y` and `n` of a key: they are booleans in YAML 1.1, which Helm reads.
      stringify(clientDefinition(), { lineWidth: 120, aliasDuplicateObjects: false, compat: 'yaml-1.1' }),
      clientSource,
    ),
    'manifests/monitoring/prometheus-rule.yaml': withHeader(
      stringify(operatorRules(), { lineWidth: 0 }),
      'operator/authservice/resources/monitoring/operation-alerts.ts',
    ),
    'manifests/monitoring/dashboard.yaml': withHeader(
      stringify(operatorDashboardMap(), { lineWidth: 0 }),
      'operator/authservice/resources/monitoring/operator-panels.ts',
    ),
    'docs/server/configuration.md': withHeaderOfPage(configurationPage(), 'contract/environment.ts'),
    'docs/server/openapi.generated.json': `${JSON.stringify(document, null, 2)}\n`,
    'docs/server/client/api.generated.ts': apiTypes(document),
    'docs/reference.md': withHeaderOfPage(referencePage(), source),
    'docs/reference-clients.md': withHeaderOfPage(clientReferencePage(), clientSource),
    ...Object.fromEntries(chart.map(([path, content]) => [`charts/authservice-operator/${path}`, content])),
  }
}

function withHeaderOfPage(page: string, from: string): string {
  return `<!-- Generated from ${from} by npm run generate. Do not edit. -->\n${page}`
}

function withHeader(yaml: string, from = source): string {
  return `# Generated from ${from} by npm run generate. Do not edit.\n${yaml}`
}
