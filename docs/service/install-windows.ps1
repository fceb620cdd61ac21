# A station as a scheduled task that starts with the computer, without a user logged in, and is started again when it ends.
# Run once in a PowerShell "as administrator", after changing the two paths. The station runs under $account, whose key
# to it (station\owner.token in the data root) no other account can read: take the account that people here work with.
#   powershell -ExecutionPolicy Bypass -File install-windows.ps1
$labctl  = "C:\labctl\.venv\Scripts\labctl.exe"
$station = "C:\labctl\station.yaml"
$account = "$env:USERDOMAIN\$env:USERNAME"

$action   = New-ScheduledTaskAction -Execute $labctl -Argument "serve --watched --station `"$station`""
$trigger  = New-ScheduledTaskTrigger -AtStartup
$settings = New-ScheduledTaskSettingsSet -RestartCount 999 -RestartInterval (New-TimeSpan -Minutes 1) `
    -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -MultipleInstances IgnoreNew `
    -Priority 4                                                     # a task's own default is below normal
$who      = New-ScheduledTaskPrincipal -UserId $account -LogonType S4U   # without a log-in and without a stored password
Register-ScheduledTask -TaskName "labctl station" -Action $action -Trigger $trigger -Settings $settings -Principal $who -Force
Start-ScheduledTask -TaskName "labctl station"

# The computer must not sleep while cells run. Set the active hours of Windows Update by hand: a restart costs a gap.
powercfg /change standby-timeout-ac 0
powercfg /change hibernate-timeout-ac 0
# End it, and remove it:
#   labctl serve --stop --station C:\labctl\station.yaml
#   Unregister-ScheduledTask -TaskName "labctl station"
