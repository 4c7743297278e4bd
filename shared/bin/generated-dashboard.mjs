// helm/dashboards/mailstream.json, from the panels in dashboard-panels.mjs: Grafana's own form has thirty lines for each.
import { ROWS } from './dashboard-panels.mjs';

const WIDTH = 24;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

const FRAME = {
  uid: 'mailstream',
  title: 'Mailstream',
  tags: ['mailstream'],
  editable: true,
  schemaVersion: 39,
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
      {
        name: 'namespace',
        label: 'Namespace',
        type: 'query',
        datasource: DATASOURCE,
        query: 'label_values(mailstream_build_info, namespace)',
        refresh: 2,
        includeAll: true,
        multi: true,
        // Also series without that label.
        allValue: '.*',
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
};

export function dashboard() {
  const panels = [];
  let y = 0;
  for (const row of ROWS) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title: row.title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
    });
    y += 1;
    const isStats = row.panels.every(({ isStat }) => isStat === true);
    const [w, h] = [isStats ? WIDTH / row.panels.length : WIDTH / 3, isStats ? 4 : 8];
    const perLine = WIDTH / w;
    for (const [at, panel] of row.panels.entries())
      panels.push(
        toPanel(panel, panels.length + 1, {
          x: (at % perLine) * w,
          y: y + h * Math.floor(at / perLine),
          w,
          h,
        }),
      );
    y += h * Math.ceil(row.panels.length / perLine);
  }
  // A line for each panel: a change of one is a change of one line.
  const lines = panels.map((panel) => `    ${JSON.stringify(panel)}`).join(',\n');
  return `${JSON.stringify(FRAME, null, 2).replace(/\n}$/, '')},\n  "panels": [\n${lines}\n  ]\n}\n`;
}

/** @param {import('./dashboard-panels.mjs').Panel} panel @param {number} id @param {{ x: number, y: number, w: number, h: number }} gridPos */
function toPanel({ title, text, unit, lines, isStat = false, badAbove }, id, gridPos) {
  const thresholds = {
    mode: 'absolute',
    steps: [
      { color: 'green', value: null },
      ...(badAbove === undefined ? [] : [{ color: 'red', value: badAbove + 1 }]),
    ],
  };
  return {
    id,
    type: isStat ? 'stat' : 'timeseries',
    title,
    description: text,
    gridPos,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: 0, thresholds }, overrides: [] },
    options: isStat
      ? {
          reduceOptions: { calcs: ['lastNotNull'] },
          textMode: 'value_and_name',
          colorMode: badAbove === undefined ? 'none' : 'value',
        }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: lines.map(([expr, legendFormat], at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
  };
}
