import { stringify } from 'yaml'
import { customResourceDefinition } from '../../operator/authservice/api/crd.ts'
import { group, plural } from '../../operator/authservice/api/group.ts'
import { operatorRules } from './operator-rules.ts'
import { referencePage } from './reference.ts'

const source = 'operator/authservice/api'

/** Every generated file: path from the root of the repository → content. */
export function generatedFiles(): Record<string, string> {
  return {
    [`crds/${group}_${plural}.yaml`]: withHeader(
      stringify(customResourceDefinition(), { lineWidth: 120, aliasDuplicateObjects: false }),
    ),
    'manifests/monitoring/prometheus-rule.yaml': withHeader(
      stringify(operatorRules(), { lineWidth: 0 }),
      'operator/authservice/resources/monitoring/operation-alerts.ts',
    ),
    'docs/reference.md': `<!-- Generated from ${source} by npm run generate. Do not edit. -->\n${referencePage()}`,
  }
}

function withHeader(yaml: string, from = source): string {
  return `# Generated from ${from} by npm run generate. Do not edit.\n${yaml}`
}
