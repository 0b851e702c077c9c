import Type from 'typebox'
import { type FieldOptions, flag, integer, listAtomic, objectName, stringMap } from '../fields.ts'

const whereTheKindExists = (options: FieldOptions) =>
  Type.Enum(['Auto', 'Enabled', 'Disabled'], {
    ...options,
    defaultText: '`Auto`: if the cluster has the kind',
  })

export const MonitoringSchema = Type.Object(
  {
    podMonitor: Type.Optional(
      whereTheKindExists({ description: 'Whether to create a PodMonitor, so that Prometheus scrapes the pods.' }),
    ),
    prometheusRule: Type.Optional(
      whereTheKindExists({ description: 'Whether to create a PrometheusRule with alerts.' }),
    ),
    dashboard: Type.Optional(
      Type.Enum(['Auto', 'Enabled', 'Disabled'], {
        description: 'Whether to create a ConfigMap with a Grafana dashboard.',
        defaultText: '`Auto`: if the cluster has PodMonitors',
      }),
    ),
  },
  {
    description: 'Metrics, alerts and a dashboard.',
  },
)

const peerSelector = (description: string) =>
  Type.Object(
    { matchLabels: Type.Optional(stringMap(32, { description: 'Labels that must be present.' })) },
    { description },
  )

export const NetworkPolicySchema = Type.Object(
  {
    enabled: Type.Optional(
      flag({ description: 'Whether to create NetworkPolicies that block all unneeded connections.' }),
    ),
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
                message: 'an empty entry allows nothing: write podSelector, namespaceSelector or both',
              },
            ],
            description: 'One group of clients.',
          },
        ),
        {
          ...listAtomic,
          maxItems: 32,
          description: 'Additional clients that may call the server.',
          defaultText: 'none',
        },
      ),
    ),
  },
  { description: 'Network access of the pods. The network plug-in of the cluster must enforce it.' },
)

export const BackupSchema = Type.Object(
  {
    schedule: Type.String({
      minLength: 9,
      maxLength: 100,
      pattern: '^(\\S+\\s+){4}\\S+$',
      description: 'Schedule of backups, as a cron expression with five fields, in UTC.',
    }),
    keep: Type.Optional(integer(1, 1000, { description: 'Number of backups to keep.', defaultText: '`7`' })),
    destination: Type.Object(
      {
        persistentVolumeClaim: Type.Object(
          { claimName: objectName({ description: 'Name of the PersistentVolumeClaim.' }) },
          { description: 'A volume in the namespace of the AuthService.' },
        ),
      },
      { description: 'Where backups are stored.' },
    ),
  },
  {
    description: 'Scheduled backups of MongoDB.',
    defaultText: 'none',
  },
)
