# A station as a scheduled task that starts with the computer, without a user logged in, and is started again when it ends.
# Run once in a PowerShell "as administrator", after changing the three paths:
#   powershell -ExecutionPolicy Bypass -File install-windows.ps1
$labctl  = "C:\labctl\.venv\Scripts\labctl.exe"
$station = "C:\labctl\station.yaml"
$account = "NT AUTHORITY\LOCAL SERVICE"   # or the account that may use the instruments' ports

$action   = New-ScheduledTaskAction -Execute $labctl -Argument "serve --watched --station `"$station`""
$trigger  = New-ScheduledTaskTrigger -AtStartup
$settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) `
    -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew
$who      = New-ScheduledTaskPrincipal -UserId $account -LogonType ServiceAccount
Register-ScheduledTask -TaskName "labctl station" -Action $action -Trigger $trigger -Settings $settings -Principal $who -Force
Start-ScheduledTask -TaskName "labctl station"

# The computer must not sleep while cells run, and must not restart for an update in the middle of the day.
powercfg /change standby-timeout-ac 0
powercfg /change hibernate-timeout-ac 0
# End it, and remove it:
#   labctl serve --stop --station C:\labctl\station.yaml
#   Unregister-ScheduledTask -TaskName "labctl station"
