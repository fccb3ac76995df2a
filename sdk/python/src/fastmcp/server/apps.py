from spin_mcp.apps import UI_MIME_TYPE as UI_MIME_TYPE
from spin_mcp.apps import AppConfig as AppConfig
from spin_mcp.apps import ResourceCSP as ResourceCSP
from spin_mcp.apps import ResourcePermissions as ResourcePermissions
