import { request } from 'undici'
import { operatorDeployment, operatorNamespace } from '../../tools/cluster-client/install-operator.ts'
import { forwardPort, type PortForward } from '../../tools/cluster-client/port-forward.ts'
import { kubectl } from './cluster-under-test.ts'

/** One sample of the Prometheus text format. */
export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Reads the operator's metrics through a port-forward. */
export async function openOperatorMetrics(): Promise<{ scrape(): Promise<Sample[]> } & Pick<PortForward, 'close'>> {
  const forward = await forwardPort(kubectl(), {
    namespace: operatorNamespace,
    target: `deployment/${operatorDeployment}`,
    port: 8080,
  })
  return {
    scrape: async () => {
      const { statusCode, body } = await request(`http://127.0.0.1:${forward.port}/metrics`)
      if (statusCode !== 200) throw new Error(`/metrics answered ${statusCode}: ${await body.text()}`)
      return parseMetrics(await body.text())
    },
    close: forward.close,
  }
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labelText = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    if (name === undefined || value === undefined) return []
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', text = '']) => [label, text]),
    )
    return [{ name, labels, value: Number(value) }]
  })
}
