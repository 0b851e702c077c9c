import Type from 'typebox'
import { byteQuantity, flag, host, integer, objectName, secretKeyRef } from '../fields.ts'
import { inOrder } from '../rules.ts'
import { resourcesSchema } from './workload.ts'

/** Sizes of the volumes that are made when a spec names none. In one place, for the rules below compare with them. */
export const volumeSizes = { mongodb: '10Gi', redis: '1Gi' } as const

const storage = (size: string) =>
  Type.Object(
    {
      size: Type.Optional(
        byteQuantity({ description: 'Size of the volume, fixed once it is made.', defaultText: `\`${size}\`` }),
      ),
      storageClassName: Type.Optional(
        objectName({
          description: 'StorageClass of the volume, fixed once it is made.',
          defaultText: "the cluster's default",
        }),
      ),
      ephemeral: Type.Optional(
        flag({
          description: 'Whether the data lives and dies with the pod. For trying things; fixed once made.',
          defaultText: '`false`',
        }),
      ),
    },
    { description: 'The volume of the data.' },
  )

/** A volume cannot change under a StatefulSet: what would need a new, empty one is refused while the old one is in use. */
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
        'managed.storage.size cannot change once the volume is made: write the size it has; to grow, enlarge the PersistentVolumeClaim itself',
      fieldPath: '.managed',
    },
    {
      rule: `${stays} || ${classOf('self')} == ${classOf('oldSelf')}`,
      message:
        'managed.storage.storageClassName cannot change, the data would stay behind: write the class it had, or move the data to another AuthService',
      fieldPath: '.managed',
    },
    {
      rule: `${stays} || ${ephemeralOf('self')} == ${ephemeralOf('oldSelf')}`,
      message:
        'managed.storage.ephemeral cannot change, the data would be lost: write the value it had, or move the data to another AuthService',
      fieldPath: '.managed',
    },
  ]
}

const notBoth = {
  rule: '!(has(self.external) && has(self.managed))',
  message:
    'external and managed exclude each other: write exactly one of them, managed for one that the operator runs, external for your own',
}

const poolRule = {
  rule: inOrder('minSize', 'maxSize'),
  message: 'pool.minSize is greater than pool.maxSize: write a minSize of at most maxSize',
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
              description: "Secret key with the PEM certificates that sign MongoDB's.",
              defaultText: 'the public authorities',
            }),
          ),
        },
        { description: 'A MongoDB that you run. Exactly one of `external` and `managed`.' },
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
            'A MongoDB that the operator runs: a replica set of one member, for development and small teams. `{}` will do.',
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
            message: "admin, local and config are MongoDB's own databases: write another name, such as auth",
          },
        ],
      }),
    ),
    usersCollection: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 120,
        pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$',
        description: 'Collection of the user documents; an existing one keeps working.',
        rules: [
          {
            rule: "!self.startsWith('system.')",
            message: "names that start with system. are MongoDB's own: write another name, such as users",
          },
        ],
      }),
    ),
    pool: Type.Optional(
      Type.Object(
        {
          minSize: Type.Optional(integer(0, 500, { description: 'Connections that each server pod keeps open.' })),
          maxSize: Type.Optional(integer(1, 1000, { description: 'Most connections of each server pod.' })),
        },
        { description: 'Connections to MongoDB.', rules: [poolRule] },
      ),
    ),
    readPreference: Type.Optional(
      Type.Enum(['primary', 'primaryPreferred', 'secondaryPreferred', 'nearest'], {
        description: 'Members that answer reads which may be a little old.',
      }),
    ),
  },
  {
    description: 'Where users and sessions are kept. `{}` means `managed: {}`.',
    rules: [
      notBoth,
      {
        rule: 'has(self.external) || has(self.managed) || !(has(self.database) || has(self.usersCollection) || has(self.pool) || has(self.readPreference))',
        message:
          'write exactly one of external and managed: managed: {} for one that the operator runs, or external with a urlSecretRef',
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
          host: host({ description: 'Host name or IPv4 address.' }),
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
                    defaultText: '`true` when `tls` is there, else `false`',
                  }),
                ),
                caSecretRef: Type.Optional(
                  secretKeyRef({
                    description: "Secret key with the PEM certificates that sign Redis'.",
                    defaultText: 'the public authorities',
                  }),
                ),
              },
              { description: 'Encryption of the connection.' },
            ),
          ),
        },
        { description: 'A Redis that you run, with `maxmemory-policy noeviction`. One of `external` and `managed`.' },
      ),
    ),
    managed: Type.Optional(
      Type.Object(
        {
          storage: Type.Optional(storage(volumeSizes.redis)),
          resources: Type.Optional(resourcesSchema({ description: 'Resources of the Redis pod.' })),
        },
        { description: 'A Redis that the operator runs, with an append-only file. `{}` will do.' },
      ),
    ),
  },
  {
    description: 'What instances share: limits and the news of revocations. `{}` means `managed: {}`.',
    rules: [notBoth, ...keepVolume(volumeSizes.redis)],
  },
)
