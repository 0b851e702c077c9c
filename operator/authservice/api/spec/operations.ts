import Type from 'typebox'
import { type FieldOptions, flag, integer, listAtomic, objectName, stringMap } from '../fields.ts'

const whereTheKindExists = (options: FieldOptions) =>
  Type.Enum(['Auto', 'Enabled', 'Disabled'], {
    ...options,
    defaultText: '`Auto`: where the cluster has the kind',
  })

export const MonitoringSchema = Type.Object(
  {
    podMonitor: Type.Optional(
      whereTheKindExists({ description: 'A PodMonitor that has Prometheus scrape the server pods.' }),
    ),
    prometheusRule: Type.Optional(
      whereTheKindExists({ description: 'A PrometheusRule with alerts, each with a runbook.' }),
    ),
    dashboard: Type.Optional(
      Type.Enum(['Auto', 'Enabled', 'Disabled'], {
        description: 'A ConfigMap with a Grafana dashboard.',
        defaultText: '`Auto`: where the cluster has PodMonitors',
      }),
    ),
  },
  {
    description: 'Metrics, alerts and a dashboard.',
  },
)

const peerSelector = (description: string) =>
  Type.Object(
    { matchLabels: Type.Optional(stringMap(32, { description: 'Labels that must be there.' })) },
    { description },
  )

export const NetworkPolicySchema = Type.Object(
  {
    enabled: Type.Optional(flag({ description: 'Whether NetworkPolicies close what is not needed.' })),
    allowFrom: Type.Optional(
      Type.Array(
        Type.Object(
          {
            podSelector: Type.Optional(peerSelector('Pods, by label.')),
            namespaceSelector: Type.Optional(peerSelector('Namespaces, by label.')),
          },
          {
            rules: [
              {
                rule: 'has(self.podSelector) || has(self.namespaceSelector)',
                message: 'an empty entry would allow nobody and nothing: write podSelector, namespaceSelector or both',
              },
            ],
            description: 'One kind of client.',
          },
        ),
        { ...listAtomic, maxItems: 32, description: 'Further clients that may call the server.', defaultText: 'none' },
      ),
    ),
  },
  { description: 'Who may talk to whom. The network plug-in of the cluster must enforce it.' },
)

export const BackupSchema = Type.Object(
  {
    schedule: Type.String({
      minLength: 9,
      maxLength: 100,
      pattern: '^(\\S+\\s+){4}\\S+$',
      description: 'When to back up, in the five fields of cron, UTC.',
    }),
    keep: Type.Optional(integer(1, 1000, { description: 'Backups that are kept.', defaultText: '`7`' })),
    destination: Type.Object(
      {
        persistentVolumeClaim: Type.Object(
          { claimName: objectName({ description: 'Name of the PersistentVolumeClaim.' }) },
          { description: 'A volume in the namespace of the AuthService.' },
        ),
      },
      { description: 'Where backups go.' },
    ),
  },
  {
    description: 'Scheduled backups of MongoDB.',
    defaultText: 'none',
  },
)
