import Type from 'typebox'
import { host, integer, labelName, listAtomic, objectName, stringMap } from '../fields.ts'
import { resourcesSchema } from './workload.ts'

const notActedUpon = 'the AuthService stalls and says so: use `Nginx`, or `None` and a route of your own'

const TlsSchema = Type.Object(
  {
    secretName: Type.Optional(
      objectName({
        description: 'Secret of type `kubernetes.io/tls` with the certificate of the host.',
        defaultText: 'development: one that the operator signs itself; staging and production: none, and one is needed',
      }),
    ),
    issuerRef: Type.Optional(
      Type.Object(
        {
          kind: Type.Optional(
            Type.Enum(['Issuer', 'ClusterIssuer'], { description: 'Kind of the issuer.', defaultText: '`Issuer`' }),
          ),
          name: objectName({ description: 'Name of the issuer.' }),
        },
        {
          description: 'Issuer of cert-manager that fills `secretName`.',
          notYet: 'no Certificate is made: make one yourself that writes the Secret named by `secretName`',
        },
      ),
    ),
  },
  {
    description: 'The certificate of the host.',
    rules: [
      {
        rule: '!has(self.issuerRef) || has(self.secretName)',
        message: 'issuerRef needs a Secret to fill: add secretName',
        fieldPath: '.secretName',
      },
    ],
  },
)

const NginxSchema = Type.Object(
  {
    replicas: Type.Optional(integer(1, 50, { description: 'Nginx pods.' })),
    serviceType: Type.Optional(
      Type.Enum(['LoadBalancer', 'NodePort', 'ClusterIP'], { description: 'Type of the Service in front of Nginx.' }),
    ),
    nodePort: Type.Optional(
      integer(0, 65_535, {
        description: 'Port on every node for HTTPS; the cluster must allow it, usually 30000 to 32767.',
        defaultText: '`0`: the cluster chooses',
      }),
    ),
    resources: Type.Optional(resourcesSchema({ description: 'Resources of an Nginx pod.' })),
  },
  {
    description: 'The Nginx pods that the operator runs.',
    rules: [
      {
        rule: "!has(self.nodePort) || self.nodePort == 0 || self.?serviceType.orValue('') in ['NodePort', 'LoadBalancer']",
        message: 'nodePort needs serviceType: NodePort or LoadBalancer; write one of them, or remove nodePort',
        fieldPath: '.nodePort',
      },
    ],
  },
)

const onlyWith = (field: string, type: string) => ({
  rule: `!has(self.${field}) || self.?type.orValue('Nginx') == '${type}'`,
  message: `${field} belongs to type: ${type}; write that type, or remove ${field}`,
  fieldPath: `.${field}`,
})

export const IngressSchema = Type.Object(
  {
    type: Type.Optional(
      Type.Enum(['Nginx', 'Ingress', 'Gateway', 'None'], {
        description:
          'What stands in front of the server: `Nginx` pods that the operator runs, an `Ingress` or `Gateway` that the cluster has, or `None`.',
        notYet: `\`Ingress\` and \`Gateway\`: ${notActedUpon}`,
      }),
    ),
    host: Type.Optional(
      host({
        description: 'Host name that clients use.',
        defaultText:
          'the host of `tokens.issuer`; else development: `<name>.localhost`, staging and production: `<name>-edge.<namespace>.svc`',
      }),
    ),
    tls: Type.Optional(TlsSchema),
    nginx: Type.Optional(NginxSchema),
    ingress: Type.Optional(
      Type.Object(
        {
          className: Type.Optional(objectName({ description: 'IngressClass.', defaultText: "the cluster's default" })),
          annotations: Type.Optional(
            stringMap(64, { description: 'Annotations of the Ingress.', defaultText: 'none' }),
          ),
        },
        { description: 'Settings of type `Ingress`.', notYet: notActedUpon },
      ),
    ),
    gateway: Type.Optional(
      Type.Object(
        {
          parentRefs: Type.Array(
            Type.Object({
              name: objectName({ description: 'Name of the Gateway.' }),
              namespace: Type.Optional(labelName({ description: 'Its namespace.', defaultText: "the AuthService's" })),
              sectionName: Type.Optional(objectName({ description: 'Its listener.', defaultText: 'all of them' })),
            }),
            { ...listAtomic, minItems: 1, maxItems: 8, description: 'Gateways that the HTTPRoute attaches to.' },
          ),
        },
        { description: 'Settings of type `Gateway`.', notYet: notActedUpon },
      ),
    ),
  },
  {
    description: 'How clients reach the server.',
    rules: [onlyWith('nginx', 'Nginx'), onlyWith('ingress', 'Ingress'), onlyWith('gateway', 'Gateway')],
  },
)
