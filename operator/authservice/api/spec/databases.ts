import Type from 'typebox'
import { address, byteQuantity, flag, integer, objectName, secretKeyRef } from '../fields.ts'
import { inOrder } from '../rules.ts'
import { resourcesSchema } from './workload.ts'

/** Default sizes of volumes. Defined here, because the rules below compare with them. */
export const volumeSizes = { mongodb: '10Gi', redis: '1Gi' } as const

const storage = (size: string) =>
  Type.Object(
    {
      size: Type.Optional(byteQuantity({ description: 'Size of the volume. Immutable.', defaultText: `\`${size}\`` })),
      storageClassName: Type.Optional(
        objectName({
          description: 'StorageClass of the volume. Immutable.',
          defaultText: "the cluster's default",
        }),
      ),
      ephemeral: Type.Optional(
        flag({
          description: 'Whether the data is deleted with the pod. For tests. Immutable.',
          defaultText: '`false`',
        }),
      ),
    },
    { description: 'Volume for the data.' },
  )

/**
 * The volume of a StatefulSet cannot change: a change that would need a new, empty volume is rejected while the old one
 * is in use.
 */
const keepVolume = (defaultSize: string) => {
  const written = (of: string, field: string, otherwise: string) => {
    const storage = `${of}.managed.storage`
    return `(has(${of}.managed) && has(${storage}) && has(${storage}.${field}) ? ${storage}.${field} : ${otherwise})`
  }
  const sizeOf = (of: string) => `quantity(${written(of, 'size', `'${defaultSize}'`)})`
  const classOf = (of: string) => written(of, 'storageClassName', "''")
  const ephemeralOf = (of: string) => written(of, 'ephemeral', 'false')
  const stays = 'has(self.external) || has(oldSelf.external)'
  return [
    {
      rule: `${stays} || ${sizeOf('self')}.compareTo(${sizeOf('oldSelf')}) == 0`,
      message:
        'managed.storage.size is immutable: write the current size. To get a larger volume, enlarge the PersistentVolumeClaim',
      fieldPath: '.managed',
    },
    {
      rule: `${stays} || ${classOf('self')} == ${classOf('oldSelf')}`,
      message:
        'managed.storage.storageClassName is immutable, because the data would stay on the old volume: write the previous class, or move the data to another AuthService',
      fieldPath: '.managed',
    },
    {
      rule: `${stays} || ${ephemeralOf('self')} == ${ephemeralOf('oldSelf')}`,
      message:
        'managed.storage.ephemeral is immutable, because the data would be lost: write the previous value, or move the data to another AuthService',
      fieldPath: '.managed',
    },
  ]
}

const notBoth = {
  rule: '!(has(self.external) && has(self.managed))',
  message:
    'external and managed are mutually exclusive: write exactly one of them, managed for a database that the operator runs, or external for your own',
}

const poolRule = {
  rule: inOrder('minSize', 'maxSize'),
  message: 'pool.minSize exceeds pool.maxSize: write a minSize of at most maxSize',
  fieldPath: '.minSize',
}

export const MongoDbSchema = Type.Object(
  {
    external: Type.Optional(
      Type.Object(
        {
          urlSecretRef: secretKeyRef({
            description: 'Secret key with the connection string, `mongodb://…` or `mongodb+srv://…`, of a replica set.',
          }),
          caSecretRef: Type.Optional(
            secretKeyRef({
              description: 'Secret key with the CA certificates for MongoDB, in PEM.',
              defaultText: 'the public CAs',
            }),
          ),
        },
        { description: 'A MongoDB that you run. Write either `external` or `managed`.' },
      ),
    ),
    managed: Type.Optional(
      Type.Object(
        {
          storage: Type.Optional(storage(volumeSizes.mongodb)),
          resources: Type.Optional(resourcesSchema({ description: 'Resources of the MongoDB pod.' })),
        },
        {
          description:
            'A MongoDB that the operator runs: a replica set with one member, for development and small teams. `{}` is enough.',
        },
      ),
    ),
    database: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 63,
        pattern: '^[A-Za-z0-9_-]+$',
        description: 'Name of the database.',
        rules: [
          {
            rule: "!(self in ['admin', 'local', 'config'])",
            message: 'admin, local and config are reserved by MongoDB: write another name, such as auth',
          },
        ],
      }),
    ),
    usersCollection: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 120,
        pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$',
        description: 'Collection of user documents. You can use an existing collection.',
        rules: [
          {
            rule: "!self.startsWith('system.')",
            message: 'names that begin with system. are reserved by MongoDB: write another name, such as users',
          },
        ],
      }),
    ),
    pool: Type.Optional(
      Type.Object(
        {
          minSize: Type.Optional(
            integer(0, 500, { description: 'Minimum number of connections for each server pod.' }),
          ),
          maxSize: Type.Optional(
            integer(1, 1000, { description: 'Maximum number of connections for each server pod.' }),
          ),
        },
        { description: 'Connections to MongoDB.', rules: [poolRule] },
      ),
    ),
    readPreference: Type.Optional(
      Type.Enum(['primary', 'primaryPreferred', 'secondaryPreferred', 'nearest'], {
        description: 'Read preference for reads that may be stale.',
      }),
    ),
  },
  {
    description: 'Database for users and sessions. `{}` means `managed: {}`.',
    rules: [
      notBoth,
      {
        rule: 'has(self.external) || has(self.managed) || !(has(self.database) || has(self.usersCollection) || has(self.pool) || has(self.readPreference))',
        message:
          'write exactly one of external and managed: managed: {} for a database that the operator runs, or external with a urlSecretRef',
      },
      ...keepVolume(volumeSizes.mongodb),
    ],
  },
)

export const RedisSchema = Type.Object(
  {
    external: Type.Optional(
      Type.Object(
        {
          host: address({ description: 'Host name, IPv4 address, or IPv6 address without brackets.' }),
          port: Type.Optional(integer(1, 65_535, { description: 'Port.', defaultText: '`6379`' })),
          passwordSecretRef: Type.Optional(
            secretKeyRef({ description: 'Secret key with the password.', defaultText: 'no password' }),
          ),
          tls: Type.Optional(
            Type.Object(
              {
                enabled: Type.Optional(
                  flag({
                    description: 'Whether the connection is encrypted.',
                    defaultText: '`true` if `tls` is set, otherwise `false`',
                  }),
                ),
                caSecretRef: Type.Optional(
                  secretKeyRef({
                    description: 'Secret key with the CA certificates for Redis, in PEM.',
                    defaultText: 'the public CAs',
                  }),
                ),
              },
              { description: 'TLS settings of the connection.' },
            ),
          ),
          allowInsecure: Type.Optional(
            flag({
              description:
                'Whether production may connect to this Redis without TLS, for a network that is encrypted itself, such as a service mesh.',
              defaultText: '`false`',
            }),
          ),
        },
        {
          description:
            'A Redis that you run, with `maxmemory-policy noeviction`. Write either `external` or `managed`.',
        },
      ),
    ),
    managed: Type.Optional(
      Type.Object(
        {
          storage: Type.Optional(storage(volumeSizes.redis)),
          resources: Type.Optional(resourcesSchema({ description: 'Resources of the Redis pod.' })),
        },
        { description: 'A Redis that the operator runs, with an append-only file. `{}` is enough.' },
      ),
    ),
  },
  {
    description: 'Store that server pods share for limits and to propagate revocations. `{}` means `managed: {}`.',
    rules: [notBoth, ...keepVolume(volumeSizes.redis)],
  },
)
