"""Grafana's classic dashboard schema: the parts of grafana-foundation-sdk that we use, imported in this one place.

The SDK warns whenever its classic schema is imported, since Grafana 12 has a second one. The classic one is what file
provisioning, the sidecar of the Helm charts and every Grafana from 9 to 13 read, so it is what we write.
"""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.models.dashboard import (
        AnnotationContainer,
        AnnotationQuery,
        Dashboard,
        DashboardCursorSync,
        DashboardDashboardTemplating,
        DashboardDashboardTime,
        DashboardFieldConfigSourceOverrides,
        DashboardLink,
        DashboardLinkType,
        DashboardRangeMapOptions,
        DataTransformerConfig,
        DynamicConfigValue,
        FieldColor,
        FieldColorModeId,
        FieldConfig,
        FieldConfigSource,
        GridPos,
        MatcherConfig,
        Panel,
        RangeMap,
        RowPanel,
        Threshold,
        ThresholdsConfig,
        ValueMap,
        ValueMapping,
        ValueMappingResult,
        VariableModel,
        VariableOption,
        VariableRefresh,
        VariableSort,
        VariableType,
    )

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, prometheus, stat, statetimeline, table, timeseries

__all__ = [
    "AnnotationContainer",
    "AnnotationQuery",
    "Dashboard",
    "DashboardCursorSync",
    "DashboardDashboardTemplating",
    "DashboardDashboardTime",
    "DashboardFieldConfigSourceOverrides",
    "DashboardLink",
    "DashboardLinkType",
    "DashboardRangeMapOptions",
    "DataTransformerConfig",
    "DynamicConfigValue",
    "FieldColor",
    "FieldColorModeId",
    "FieldConfig",
    "FieldConfigSource",
    "GridPos",
    "JSONEncoder",
    "MatcherConfig",
    "Panel",
    "RangeMap",
    "RowPanel",
    "Threshold",
    "ThresholdsConfig",
    "ValueMap",
    "ValueMapping",
    "ValueMappingResult",
    "VariableModel",
    "VariableOption",
    "VariableRefresh",
    "VariableSort",
    "VariableType",
    "common",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]
