// What Grafana's types say about the dashboards that we write. A dashboard is an object literal of these types, so that
// tsc refuses unknown keys as well as wrong values.
import type * as grafana from "@grafana/schema";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as lanes from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as lines from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

// JSON has no enums: wherever an enum stands, its values will do.
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

// @grafana/schema 13 has no types for the queries of Prometheus; these are the keys that we write.
interface Target {
  datasource?: grafana.DataSourceRef;
  editorMode: "code";
  expr: string;
  format: "time_series" | "table";
  instant: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
}

interface Of<Kind extends string, Options, Custom>
  extends Omit<grafana.Panel, "type" | "options" | "fieldConfig" | "targets"> {
  type: Kind;
  options: Options;
  fieldConfig: grafana.FieldConfigSource<Custom>;
  targets: Target[];
}

type Panel =
  | grafana.RowPanel
  | Of<"stat", stat.Options, never>
  | Of<"state-timeline", lanes.Options, lanes.FieldConfig>
  | Of<"table", table.Options, table.FieldConfig>
  | Of<"timeseries", lines.Options, lines.FieldConfig>;

interface Annotation extends Omit<grafana.AnnotationQuery, "target"> {
  target: { expr: string; interval: string; refId: string };
  titleFormat: string;
}

export type Dashboard = Plain<
  Omit<grafana.Dashboard, "panels" | "annotations"> & { panels: Panel[]; annotations: { list: Annotation[] } }
>;
