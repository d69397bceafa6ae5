/** A workload: orders of customers. The contents of an order follow from its key, so that any row can be verified. */

import {
  defineWorkload,
  formatKey,
  KeySet,
  type Observed,
  type OperationRequest,
  pace,
  pacedKind,
  type ReadSummary,
  type Row,
  type Session,
  type WorkloadRun,
  z,
} from 'pgquake';

const params = z.strictObject({
  customers: z.int().min(1).max(10_000).default(20).describe('Customers; the table is distributed by customer.'),
  'orders-per-customer': z.int().min(1).max(1_000).default(5).describe('Orders of each customer at the start.'),
  read: pace('50/s', '2s').describe('Reads all orders of one customer.'),
  write: pace('10/s', '2s').describe('Adds one order.'),
});

type OrdersParams = z.output<typeof params>;

/** The writer of the initial orders. */
const INITIAL = 0;
/** Tables are distributed by their first column. */
const COLUMNS = 'customer, writer, seq, amount';

const customerOf = (seq: number, { customers }: OrdersParams) => ((seq - 1) % customers) + 1;
const amountOf = (writer: number, seq: number) => (writer * 7_919 + seq * 31) % 10_000;
const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Verifies the rows of one answer. */
function verify(rows: readonly Row[], orders: OrdersParams): ReadSummary & { readonly verified: number } {
  const present = new KeySet();
  const duplicated: string[] = [];
  const corrupted: { key: string; found: string; expected: string }[] = [];
  let verified = 0;
  for (const row of rows) {
    const [customer, writer, seq, amount] = row.map(Number) as [number, number, number, number];
    const key = formatKey(writer, seq);
    if (present.has(writer, seq)) duplicated.push(key);
    present.add(writer, seq);
    const found = `customer ${customer}, ${amount}`;
    const expected = `customer ${customerOf(seq, orders)}, ${amountOf(writer, seq)}`;
    if (found !== expected) corrupted.push({ key, found, expected });
    else if (writer === INITIAL) verified++;
  }
  return { rows: rows.length, verified, present: present.toRanges(), duplicated, corrupted };
}

class OrdersRun implements WorkloadRun {
  readonly #orders: OrdersParams;
  readonly #writer: number;
  #reads = 0;
  #writes = 0;

  constructor(orders: OrdersParams, writer: number) {
    this.#orders = orders;
    this.#writer = writer;
  }

  next(kind: string): OperationRequest {
    return kind === 'read' ? this.#read(customerOf(++this.#reads, this.#orders)) : this.#write(++this.#writes);
  }

  #read(customer: number): OperationRequest {
    return {
      partitionKey: customer,
      run: async (session, timeoutMs): Promise<Observed> => {
        const text = `SELECT ${COLUMNS} FROM orders WHERE customer = $1`;
        const rows = await session.query(text, [customer], limit(timeoutMs));
        const { verified, duplicated, corrupted } = verify(rows, this.#orders);
        const anomaly = { duplicated, corrupted: corrupted.map(({ key }) => key) };
        return { rows: rows.length, verified, ...(duplicated.length + corrupted.length === 0 ? {} : { anomaly }) };
      },
      settled: () => undefined,
    };
  }

  #write(seq: number): OperationRequest {
    const customer = customerOf(seq, this.#orders);
    const values = [customer, this.#writer, seq, amountOf(this.#writer, seq)];
    return {
      partitionKey: customer,
      key: formatKey(this.#writer, seq),
      run: async (session, timeoutMs): Promise<Observed> => {
        await session.query(`INSERT INTO orders (${COLUMNS}) VALUES ($1, $2, $3, $4)`, values, limit(timeoutMs));
        return {};
      },
      settled: () => undefined,
    };
  }
}

const limit = (timeoutMs: number | undefined) => (timeoutMs === undefined ? {} : { timeoutMs });

export const orders = defineWorkload<OrdersParams>({
  name: 'orders',
  summary: 'Orders of customers: reads of one customer, and new orders.',
  source: import.meta.url,
  params,

  kinds: ({ read, write }) => [
    pacedKind({ name: 'read', access: 'read', scope: 'partition' }, read),
    pacedKind({ name: 'write', access: 'write', scope: 'partition' }, write),
  ],

  dataset: (orders) => ({
    partitionKeys: range(orders.customers),
    tables: [
      {
        name: 'orders',
        columns: ['customer', 'writer', 'seq', 'amount'].map((name) => ({ name, type: 'int' })),
        primaryKey: ['customer', 'writer', 'seq'],
        rows: range(orders.customers * orders['orders-per-customer']).map((seq) => [
          customerOf(seq, orders),
          INITIAL,
          seq,
          amountOf(INITIAL, seq),
        ]),
      },
    ],
  }),

  start: (orders, _seed, writer = 1) => new OrdersRun(orders, writer),

  ledger: {
    table: 'orders',
    lookup: { columns: COLUMNS, key: 'writer, seq' },
    sessionless: true,
    keyWord: 'customer',
    partitionKeys: ({ customers }) => customers,
    initialRows: (orders) => orders.customers * orders['orders-per-customer'],

    fingerprintSql: (relation) =>
      `SELECT count(*)::text, coalesce(sum(hashtextextended(concat_ws(':', ${COLUMNS}), 0)::numeric), 0)::text FROM ${relation}`,

    async readAll(session: Session, relation, orders, timeoutMs) {
      const { verified: _, ...found } = verify(
        await session.query(`SELECT ${COLUMNS} FROM ${relation}`, [], { timeoutMs }),
        orders,
      );
      return found;
    },
  },
});
